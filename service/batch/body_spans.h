/* SPDX-License-Identifier: Apache-2.0 */
/* A first look at a batch document, before the JSON library builds a tree of it: finds
 * where the items' bodies stand, counts the items, bounds what there is, and hides what
 * the library would not give back byte for byte, or would spend itself on. Pure. */
#pragma once

#include "base/slice.h"
#include "batch/json_walk.h"
#include "batch/shortened.h"

#include <stddef.h>
#include <stdint.h>

enum span_kind { SPAN_BODY, SPAN_FALLBACK_BODY };

struct body_span {
    size_t item; /* index in the list of requests */
    enum span_kind kind;
    struct slice raw; /* the value's bytes, in the text given */
};

struct body_spans {
    enum walk_fault fault;  /* WALK_FINE: or not JSON, which the library will say */
    size_t fault_at;        /* offset in the text */
    struct body_span *list; /* in the order of the document */
    size_t count;
    size_t capacity;
    /* Of the defaults, by kind, and of the batch; data NULL: none. */
    struct slice defaults[SPAN_FALLBACK_BODY + 1];
    struct slice shared;
    /* The body that is no JSON, or too deep: where the look ended. data NULL: none. */
    struct slice broken;
    struct shortened shortened; /* the text without the bodies */
    struct slice readable;      /* for the JSON library; points into the text or above */
};

/* body_spans_find looks through `text`, which must outlive the spans. A document that is
 * not a batch or not JSON gives the spans up to there. In `readable`
 *   - a body is "", whatever it was;
 *   - a container where no field takes one is empty;
 *   - a number elsewhere with an exponent or of over 18 bytes is 0.0: no field takes it,
 *     and the field's own range is a better answer than an overflow. */
void body_spans_find(struct body_spans *spans, struct slice text, size_t max_items);
void body_spans_done(struct body_spans *spans);

/* body_spans_of returns a body of an item as it stands in the text, data NULL if there is
 * none of that kind. `cursor` starts at 0 and belongs to the caller; items are asked in
 * ascending order. */
struct slice body_spans_of(const struct body_spans *spans, size_t item,
                           enum span_kind kind, size_t *cursor);
