/* SPDX-License-Identifier: Apache-2.0 */
/* A list of blocks: small parts share one, a large one has its own. Nothing is moved when
 * it grows. Used by exchange_stream.c. */
#include "http/stream_queue.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 };

struct stream_block {
    struct stream_block *next;
    size_t begin; /* the first byte not taken */
    size_t end;
    size_t size;
    char data[];
};

void stream_queue_init(struct stream_queue *queue, struct budget *budget)
{
    *queue = (struct stream_queue){.budget = budget};
}

static void drop_first(struct stream_queue *queue)
{
    struct stream_block *block = queue->first;
    queue->first = block->next;
    if (!queue->first)
        queue->last = NULL;
    queue->held -= block->size;
    budget_give(queue->budget, block->size);
    free(block);
}

void stream_queue_done(struct stream_queue *queue)
{
    while (queue->first)
        drop_first(queue);
    queue->len = 0;
}

static struct stream_block *add_block(struct stream_queue *queue, size_t size)
{
    if (size < BLOCK_SIZE)
        size = BLOCK_SIZE;
    struct stream_block *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    block->next = NULL;
    block->begin = block->end = 0;
    block->size = size;
    if (queue->last)
        queue->last->next = block;
    else
        queue->first = block;
    queue->last = block;
    queue->held += size;
    budget_force(queue->budget, size);
    return block;
}

char *stream_queue_add(struct stream_queue *queue, size_t size)
{
    struct stream_block *block = queue->last;
    if (!block || block->size - block->end < size)
        block = add_block(queue, size);
    if (!block)
        return NULL;
    char *to = block->data + block->end;
    block->end += size;
    queue->len += size;
    return to;
}

size_t stream_queue_take(struct stream_queue *queue, char *to, size_t max)
{
    size_t taken = 0;
    while (taken < max && queue->first) {
        struct stream_block *block = queue->first;
        size_t size = block->end - block->begin;
        if (size > max - taken)
            size = max - taken;
        memcpy(to + taken, block->data + block->begin, size);
        block->begin += size;
        taken += size;
        if (block->begin == block->end)
            drop_first(queue);
    }
    queue->len -= taken;
    return taken;
}
