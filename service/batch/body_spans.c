/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the text that follows only the few places where a body can stand:
 *
 *     [ {"body": …, "fallback": {"body": …}}, … ]   {"requests": [ the same ]}
 *     {"defaults": {"body": …, "fallback": {"body": …}}}   {"sharedBody": …}
 *
 * Elsewhere it leaves to the JSON library what a field can take (headers: objects and
 * arrays in them, include: an array) and empties all other containers: they are errors
 * whatever they hold. Called by parse_batch only. */
#include "batch/body_spans.h"

#include "base/json_text.h"
#include "batch/json_walk.h"

#include <stdlib.h>

/* How deep the containers are that a member can take; the others take none. */
struct kept {
    const char *name;
    unsigned depth;
};

static const struct kept item_members[] = {
    {"headers", 2}, {"expect", 2}, {"alternatives", 1}, {"dependsOn", 1},
    {"sign", 1},    {"select", 1}, {"bodyMode", 1},     {"responseHeaders", 1},
};
static const struct kept fallback_members[] = {{"headers", 2}};
static const struct kept options[] = {{"include", 1}, {"until", 1}};

#define KEPT(rows, key) kept_of(rows, sizeof(rows) / sizeof *(rows), key)

static unsigned kept_of(const struct kept *rows, size_t count, struct slice key)
{
    for (size_t i = 0; i < count; i++) {
        if (walk_key_is(key, rows[i].name))
            return rows[i].depth;
    }
    return 0;
}

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

static bool keep_span(struct walk *walk, enum span_kind kind, size_t item)
{
    struct scanner *scanner = walk->context;
    struct body_span span = {.item = item, .kind = kind};
    if (!take_body(walk, &span.raw))
        return false;
    return add_span(scanner->spans, span) || walk_stop(walk, WALK_NO_MEMORY);
}

static bool on_fallback_member(struct walk *walk, struct slice key, size_t item)
{
    if (walk_key_is(key, "body"))
        return keep_span(walk, SPAN_FALLBACK_BODY, item);
    return walk_skip(walk, KEPT(fallback_members, key));
}

static bool on_item_member(struct walk *walk, struct slice key, size_t item)
{
    if (walk_key_is(key, "body"))
        return keep_span(walk, SPAN_BODY, item);
    if (walk_peek(walk) == '{' && walk_key_is(key, "fallback"))
        return walk_members(walk, on_fallback_member, item);
    return walk_skip(walk, KEPT(item_members, key));
}

static bool on_default_fallback_member(struct walk *walk, struct slice key, size_t index)
{
    (void)index;
    struct scanner *scanner = walk->context;
    if (walk_key_is(key, "body"))
        return take_body(walk, &scanner->spans->defaults[SPAN_FALLBACK_BODY]);
    return walk_skip(walk, KEPT(fallback_members, key));
}

static bool on_defaults_member(struct walk *walk, struct slice key, size_t index)
{
    struct scanner *scanner = walk->context;
    if (walk_key_is(key, "body"))
        return take_body(walk, &scanner->spans->defaults[SPAN_BODY]);
    if (walk_peek(walk) == '{' && walk_key_is(key, "fallback"))
        return walk_members(walk, on_default_fallback_member, index);
    return walk_skip(walk, KEPT(item_members, key));
}

static bool on_url(struct walk *walk, size_t index)
{
    (void)index;
    return count_item(walk) && walk_skip(walk, 0);
}

static bool on_item(struct walk *walk, size_t index)
{
    if (!count_item(walk))
        return false;
    return walk_peek(walk) == '{' ? walk_members(walk, on_item_member, index)
                                  : walk_skip(walk, 0);
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
    struct scanner *scanner = walk->context;
    if (walk_key_is(key, "sharedBody"))
        return take_body(walk, &scanner->spans->shared);
    return walk_skip(walk, KEPT(options, key));
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

struct slice body_spans_of(const struct body_spans *spans, size_t item,
                           enum span_kind kind, size_t *cursor)
{
    while (*cursor < spans->count && spans->list[*cursor].item < item)
        ++*cursor;
    for (size_t i = *cursor; i < spans->count && spans->list[i].item == item; i++) {
        if (spans->list[i].kind == kind)
            return spans->list[i].raw;
    }
    return slice_make(NULL, 0);
}
