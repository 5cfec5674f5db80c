/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the text that follows only the few places where a body can stand:
 *
 *     [ {"body": …}, … ]   {"requests": [ {"body": …}, … ]}   {"defaults": {"body": …}}
 *
 * Elsewhere it leaves to the JSON library what a field can take (headers: objects and
 * arrays in them, include: an array) and empties all other containers: they are errors
 * whatever they hold. Called by parse_batch only. */
#include "batch/body_spans.h"

#include "base/json_text.h"
#include "batch/json_walk.h"

#include <stdlib.h>

enum { KEEP_NONE = 0, KEEP_LIST = 1, KEEP_HEADERS = 2 };

struct scanner {
    struct body_spans *spans;
    size_t max_items;
    size_t items;
};

static bool count_item(struct walk *walk)
{
    struct scanner *scanner = walk->context;
    return ++scanner->items <= scanner->max_items || walk_stop(walk, WALK_TOO_MANY);
}

/* Steps over a body and hides it. The stand-in must not join with what follows: 0 before
 * e2 would make a number of a mistake. */
static bool take_body(struct walk *walk, struct slice *ret_raw)
{
    struct scanner *scanner = walk->context;
    const char *start = walk->at;
    const char *behind = json_text_skip(start, walk->end);
    if (!behind) {
        scanner->spans->broken = slice_make(start, (size_t)(walk->end - start));
        return false;
    }
    *ret_raw = slice_make(start, (size_t)(behind - start));
    walk->at = behind;
    return ret_raw->len < 2 || walk_hide(walk, *ret_raw, "\"\"");
}

static bool add_span(struct body_spans *spans, struct body_span span)
{
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity ? spans->capacity * 2 : 16;
        struct body_span *list = realloc(spans->list, capacity * sizeof *list);
        if (!list)
            return false;
        spans->list = list;
        spans->capacity = capacity;
    }
    spans->list[spans->count++] = span;
    return true;
}

static bool on_item_member(struct walk *walk, struct slice key, size_t item)
{
    struct scanner *scanner = walk->context;
    if (walk_key_is(key, "headers"))
        return walk_skip(walk, KEEP_HEADERS);
    if (!walk_key_is(key, "body"))
        return walk_skip(walk, KEEP_NONE);
    struct body_span span = {.item = item};
    if (!take_body(walk, &span.raw))
        return false;
    return add_span(scanner->spans, span) || walk_stop(walk, WALK_NO_MEMORY);
}

static bool on_defaults_member(struct walk *walk, struct slice key, size_t index)
{
    (void)index;
    struct scanner *scanner = walk->context;
    if (walk_key_is(key, "body"))
        return take_body(walk, &scanner->spans->defaults);
    return walk_skip(walk, walk_key_is(key, "headers") ? KEEP_HEADERS : KEEP_NONE);
}

static bool on_url(struct walk *walk, size_t index)
{
    (void)index;
    return count_item(walk) && walk_skip(walk, KEEP_NONE);
}

static bool on_item(struct walk *walk, size_t index)
{
    if (!count_item(walk))
        return false;
    return walk_peek(walk) == '{' ? walk_members(walk, on_item_member, index)
                                  : walk_skip(walk, KEEP_NONE);
}

static bool on_option(struct walk *walk, struct slice key, size_t index)
{
    (void)index;
    char first = walk_peek(walk);
    if (first == '[' && walk_key_is(key, "requests"))
        return walk_elements(walk, on_item);
    if (first == '[' && walk_key_is(key, "urls"))
        return walk_elements(walk, on_url);
    if (first == '{' && walk_key_is(key, "defaults"))
        return walk_members(walk, on_defaults_member, 0);
    return walk_skip(walk, walk_key_is(key, "include") ? KEEP_LIST : KEEP_NONE);
}

void body_spans_find(struct body_spans *spans, struct slice text, size_t max_items)
{
    *spans = (struct body_spans){.fault = WALK_FINE};
    shortened_init(&spans->shortened, text);
    struct scanner scanner = {.spans = spans, .max_items = max_items};
    struct walk walk = {
        .at = text.data,
        .end = text.data + text.len,
        .shortened = &spans->shortened,
        .context = &scanner,
    };
    char first = walk_peek(&walk);
    bool is_whole = first == '['   ? walk_elements(&walk, on_item)
                    : first == '{' ? walk_members(&walk, on_option, 0)
                                   : false;
    (void)is_whole; /* the library will find what stopped the walk */
    spans->fault = walk.fault;
    spans->fault_at = (size_t)(walk.at - text.data);
    if (!shortened_finish(&spans->shortened, &spans->readable))
        spans->fault = WALK_NO_MEMORY;
}

void body_spans_done(struct body_spans *spans)
{
    free(spans->list);
    shortened_done(&spans->shortened);
    *spans = (struct body_spans){.fault = WALK_FINE};
}

struct slice body_spans_of(const struct body_spans *spans, size_t item, size_t *cursor)
{
    while (*cursor < spans->count && spans->list[*cursor].item < item)
        ++*cursor;
    if (*cursor == spans->count || spans->list[*cursor].item != item)
        return slice_make(NULL, 0);
    return spans->list[*cursor].raw;
}
