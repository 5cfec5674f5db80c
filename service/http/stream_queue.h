/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes on their way to a client, first in, first out, in blocks of memory that are
 * freed as they are taken. Every byte of the blocks is counted in a budget. One thread.
 */
#pragma once

#include "base/attributes.h"
#include "fetch/budget.h"

#include <stddef.h>

struct stream_block;

struct stream_queue {
    struct budget *budget;
    struct stream_block *first;
    struct stream_block *last;
    size_t len;  /* bytes to be taken */
    size_t held; /* bytes of memory, as counted in `budget` */
};

void stream_queue_init(struct stream_queue *queue, struct budget *budget);
void stream_queue_done(struct stream_queue *queue);

/* stream_queue_add makes the next `size` (> 0) bytes of the queue and returns where they
 * are to be written; NULL: no memory. The budget's ceiling is not asked: what came has to
 * be held, and who adds looks at `held`. */
char *stream_queue_add(struct stream_queue *queue, size_t size) MUST_CHECK;

/* stream_queue_take moves up to `max` bytes to `to`; returns how many. */
size_t stream_queue_take(struct stream_queue *queue, char *to, size_t max);
