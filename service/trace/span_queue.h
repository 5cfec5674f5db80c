/* SPDX-License-Identifier: Apache-2.0 */
/* Spans that wait to be exported, in packs of one request each: rendered one behind the
 * other into the pack that is open, which is closed when it has SPAN_PACK_MAX or
 * SPAN_PACK_BYTES. All of it together has a ceiling; above it spans are lost. Pure: knows
 * no clock and no socket. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SPAN_PACK_MAX = 512, /* OpenTelemetry's default for a batch of spans */
    /* Four sends of libcurl's buffer for uploads of 64 KiB, with the request's head and
     * the span that goes beyond. */
    SPAN_PACK_BYTES = 254 << 10,
    SPAN_BYTES_MAX = 32 << 10, /* of one span */
};

struct span_pack {
    struct list node;
    struct buffer text; /* a document, but for its end until it is taken */
    size_t count;
    size_t charged;
    unsigned tries; /* of whoever took it */
};

struct span_queue {
    struct buffer head; /* what each document begins with */
    size_t bytes_max;
    size_t bytes; /* of all packs, also those that are taken */
    struct span_pack *open;
    size_t open_mark; /* where the span that is being written begins */
    struct list full;
    struct span_pack *spare;
};

/* `head` is copied. */
void span_queue_init(struct span_queue *queue, struct slice head, size_t bytes_max);
void span_queue_done(struct span_queue *queue);

/* span_queue_begin returns where to write the next span, NULL: there is no room. Between
 * it and span_queue_end nothing else is called. */
struct buffer *span_queue_begin(struct span_queue *queue) MUST_CHECK;

enum span_added {
    SPAN_LOST,  /* it was too large, or there was no memory: taken out again */
    SPAN_FIRST, /* of its pack */
    SPAN_ONE_MORE,
    SPAN_LAST, /* its pack is full */
};
enum span_added span_queue_end(struct span_queue *queue) MUST_CHECK;

/* span_queue_take hands out the oldest full pack, or else, where that is wanted, the open
 * one, as a whole document; NULL: there is none. The caller gives it back by
 * span_queue_drop, whatever became of it. */
struct span_pack *span_queue_take(struct span_queue *queue, bool takes_open) MUST_CHECK;
void span_queue_drop(struct span_queue *queue, struct span_pack *pack);

static inline bool span_queue_has_full(const struct span_queue *queue)
{
    return !list_is_empty(&queue->full);
}

static inline bool span_queue_is_empty(const struct span_queue *queue)
{
    return (!queue->open || queue->open->count == 0) && list_is_empty(&queue->full);
}
