/* SPDX-License-Identifier: Apache-2.0 */
/* One walk over a document for all paths. A container is walked into only while a path
 * goes on in it, everything else is skipped, so no byte is looked at twice. Sets of paths
 * are bits of a word. Called for `select`. */
#include "base/json_select.h"

#include "base/json_string.h"
#include "base/json_text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* A container being walked; the depth of its frame is the step that leads on from it. */
struct frame {
    const char *start;
    uint32_t ending;   /* paths of which it is the value */
    uint32_t going_on; /* paths that go on in it */
    size_t index;      /* of its next element, if it is an array */
    size_t next_index; /* the next one that a path wants; SIZE_MAX: none */
};

struct walk {
    const char *at;
    const char *end;
    const struct json_path *paths;
    struct slice *values;
    size_t depth;
    struct frame frames[JSON_POINTER_STEPS_MAX];
};

/* The paths of a set, one by one. */
#define FOR_EACH_PATH(i, set)                                                            \
    for (uint32_t left_ = (set), i; left_ && (i = (uint32_t)__builtin_ctz(left_), true); \
         left_ &= left_ - 1)

static void skip_space(struct walk *walk)
{
    while (walk->at < walk->end && (*walk->at == ' ' || *walk->at == '\n' ||
                                    *walk->at == '\r' || *walk->at == '\t'))
        walk->at++;
}

static void skip_value(struct walk *walk)
{
    walk->at = json_text_skip(walk->at, walk->end);
    assert(walk->at);
}

static void note(struct walk *walk, uint32_t ending, const char *start)
{
    FOR_EACH_PATH(i, ending)
    {
        walk->values[i] = slice_make(start, (size_t)(walk->at - start));
    }
}

static size_t next_index(const struct walk *walk, uint32_t paths, size_t depth,
                         size_t from)
{
    size_t next = SIZE_MAX;
    FOR_EACH_PATH(i, paths)
    {
        size_t index = walk->paths[i].steps[depth].index;
        if (index >= from && index < next)
            next = index;
    }
    return next;
}

/* The value at `at`, to which the paths of `wanted` have led: noted, or a frame is made
 * for it. */
static void begin_value(struct walk *walk, uint32_t wanted)
{
    uint32_t ending = 0;
    FOR_EACH_PATH(i, wanted)
    {
        if (walk->paths[i].count == walk->depth)
            ending |= 1u << i;
    }
    const char *start = walk->at;
    uint32_t going_on = wanted & ~ending;
    if (going_on == 0 || (*start != '{' && *start != '[')) {
        skip_value(walk);
        note(walk, ending, start);
        return;
    }
    walk->at++;
    walk->frames[walk->depth] = (struct frame){
        .start = start,
        .ending = ending,
        .going_on = going_on,
        .next_index = next_index(walk, going_on, walk->depth, 0),
    };
    walk->depth++;
}

/* Which paths go on at the key `raw`, a string with its quotes? An escape of six bytes
 * stands for one at least, so a key that does not fit into `room` is none of theirs. */
static uint32_t match_name(const struct walk *walk, uint32_t paths, struct slice raw)
{
    char room[6 * JSON_SELECT_NAME_MAX + 2];
    struct slice key = slice_make(raw.data + 1, raw.len - 2);
    uint32_t matching = 0;
    if (raw.len > sizeof room)
        return 0;
    if (memchr(key.data, '\\', key.len))
        key = slice_make(room, json_string_decode(raw, room));
    FOR_EACH_PATH(i, paths)
    {
        const struct json_step *step = &walk->paths[i].steps[walk->depth - 1];
        if (step->name.data && slice_equal(step->name, key))
            matching |= 1u << i;
    }
    return matching;
}

static uint32_t match_index(const struct walk *walk, struct frame *frame)
{
    uint32_t matching = 0;
    size_t index = frame->index++;
    if (index != frame->next_index)
        return 0;
    FOR_EACH_PATH(i, frame->going_on)
    {
        if (walk->paths[i].steps[walk->depth - 1].index == index)
            matching |= 1u << i;
    }
    frame->next_index = next_index(walk, frame->going_on, walk->depth - 1, frame->index);
    return matching;
}

/* The next member or element of the innermost container, or its end. */
static void step(struct walk *walk)
{
    struct frame *frame = &walk->frames[walk->depth - 1];
    skip_space(walk);
    if (*walk->at == '}' || *walk->at == ']') {
        walk->at++;
        note(walk, frame->ending, frame->start);
        walk->depth--;
        return;
    }
    if (*walk->at == ',') {
        walk->at++;
        skip_space(walk);
    }
    uint32_t wanted;
    if (*frame->start == '{') {
        const char *key = walk->at;
        skip_value(walk);
        wanted =
            match_name(walk, frame->going_on, slice_make(key, (size_t)(walk->at - key)));
        skip_space(walk);
        walk->at++; /* the colon */
        skip_space(walk);
    } else {
        wanted = match_index(walk, frame);
    }
    FOR_EACH_PATH(i, wanted) /* of members with the same name the last one counts */
    {
        walk->values[i] = slice_make(NULL, 0);
    }
    begin_value(walk, wanted);
}

void json_select(struct slice text, const struct json_path *paths, size_t count,
                 struct slice *ret_values)
{
    struct walk walk = {.at = text.data,
                        .end = text.data + text.len,
                        .paths = paths,
                        .values = ret_values};
    assert(count <= JSON_SELECT_MAX);
    for (size_t i = 0; i < count; i++)
        ret_values[i] = slice_make(NULL, 0);
    skip_space(&walk);
    begin_value(&walk, (uint32_t)((1ULL << count) - 1));
    while (walk.depth > 0)
        step(&walk);
}
