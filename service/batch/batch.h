/* SPDX-License-Identifier: Apache-2.0 */
/* The data that flows: a batch with its items and their rendered results. Plain; no
 * sockets, no curl, no MHD. A batch owns all its memory; batch_free alone releases it. */
#pragma once

#include "base/background.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "batch/item_options.h"
#include "batch/wait_policy.h"
#include "fetch/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum body_encoding { BODY_NONE, BODY_TEXT, BODY_JSON, BODY_BASE64 };

enum {
    INCLUDE_HEADERS = 1,
    INCLUDE_BODY = 2,
    INCLUDE_TIMING = 4,
    INCLUDE_DEFAULT = INCLUDE_HEADERS | INCLUDE_BODY,
};

struct gather;

/* A rendered response, with the byte that comes before it in the array: '[' or ','. It
 * lies in memory of its own (large ones), or in its segment's `block`. */
struct fragment {
    char *own;     /* NULL: see offset */
    size_t offset; /* in segment.block, which moves as it grows */
    size_t len;
};

/* Items next to one another. Their small fragments lie in one block in the order they
 * ended; when all have, they are put into the items' order there and then, so that little
 * is left to do when the last item of a large batch ends. */
struct segment {
    struct buffer block;
    size_t left;     /* items without a fragment */
    bool is_ordered; /* `block` holds the fragments of all its items in their order */
};

/* One request of the batch, after the defaults were merged in. All slices point into
 * memory of the batch. */
struct item {
    struct slice id;
    struct slice url; /* data[len] is NUL */
    enum call_method method;
    const struct call_header *headers;
    size_t header_count;
    bool has_body;
    bool has_shared_body;               /* `body` is that of other items too */
    struct slice body;                  /* decoded: the bytes to send */
    uint32_t timeout_ms;                /* 0: not given */
    uint32_t connect_timeout_ms;        /* 0: not given */
    int32_t redirects;                  /* -1: not given */
    uint64_t max_body_bytes;            /* 0: not given */
    const struct item_options *options; /* NULL: none given, a plain item */

    /* While it runs and after: */
    struct gather *gather;
    struct item *parent; /* whose forEach made it; NULL: it is one of the batch's */
    struct call call;
    struct item_extra *extra; /* of gather_state.h; NULL for plain items */
    enum call_code code;      /* valid when is_done */
    bool is_started;
    bool is_done;
    struct fragment fragment; /* the response object, rendered when the item ended */
};

static inline bool item_is_optional(const struct item *item)
{
    return item->options && item->options->is_optional == 1;
}

struct batch {
    struct item *items;
    size_t count;
    uint32_t deadline_ms;  /* relative; 0: not given */
    bool has_time_left;    /* its client's own deadline is known: … */
    uint64_t time_left_ms; /* … no more than this, possibly 0 */
    uint32_t concurrency;  /* 0: not given */
    unsigned include;      /* INCLUDE_… bits */
    bool coalesces;        /* items that do not say may share a call with equal ones */
    struct wait_policy wait;
    bool takes_failure_status; /* the reply's own status tells of a failure */
    struct segment *segments;  /* batch_make_segments; NULL: not yet */
    size_t segment_count;
    size_t segment_items; /* of each but the last */
    struct segment one;   /* all that a small batch has */
    void *document;       /* parse's own: the JSON tree and texts the slices point into */
    void (*document_free)(void *document);
    struct background_job release;
};

/* batch_make_segments: one of the batch's items are few, or BATCH_SEGMENTS_MAX at most.
 */
enum { BATCH_SEGMENTS_MAX = 48 };
void batch_make_segments(struct batch *batch);
struct segment *batch_segment_of(const struct batch *batch, const struct item *item);

/* batch_free_later is batch_free on the background thread if the batch is large enough to
 * keep a loop waiting; `background` may be NULL. */
void batch_free_later(struct batch *batch, struct background *background);
/* batch_free releases everything; NULL is fine. No call of the batch may be running. */
void batch_free(struct batch *batch);
