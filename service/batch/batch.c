/* SPDX-License-Identifier: Apache-2.0 */
/* The one release of a batch. What its slices point into (the JSON tree, decoded bodies)
 * is the parser's and released through document_free, so that no JSON type leaves the
 * parser. Called by the parser for batches it refuses and by
 * gather_free. */
#include "batch/batch.h"

#include "base/memory.h"

#include <stdlib.h>

/* Freeing takes 0.7 µs an item. */
enum { LARGE = 500 };

/* A quarter of a megabyte when bodies have 1 KB: put in order in 0.1 ms. */
enum { SEGMENT_ITEMS = 256 };

void batch_make_segments(struct batch *batch)
{
    size_t least = (batch->count + BATCH_SEGMENTS_MAX - 1) / BATCH_SEGMENTS_MAX;
    batch->segment_items = least > SEGMENT_ITEMS ? least : SEGMENT_ITEMS;
    batch->segment_count =
        batch->count > 0 ? (batch->count - 1) / batch->segment_items + 1 : 1;
    batch->segments = batch->segment_count == 1
                          ? &batch->one
                          : memory_new(batch->segment_count * sizeof(struct segment));
    for (size_t i = 0; i < batch->segment_count; i++) {
        size_t after = batch->count - i * batch->segment_items;
        struct segment *segment = &batch->segments[i];
        segment->left = after < batch->segment_items ? after : batch->segment_items;
        buffer_init(&segment->block, 0);
    }
}

struct segment *batch_segment_of(const struct batch *batch, const struct item *item)
{
    return &batch->segments[(size_t)(item - batch->items) / batch->segment_items];
}

void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < batch->count; i++)
        free(batch->items[i].fragment.own);
    free(batch->items);
    for (size_t i = 0; i < batch->segment_count; i++)
        buffer_done(&batch->segments[i].block);
    if (batch->segments != &batch->one)
        free(batch->segments);
    if (batch->document_free)
        batch->document_free(batch->document);
    free(batch);
}

static void release(struct background_job *job)
{
    batch_free(container_of(job, struct batch, release));
}

void batch_free_later(struct batch *batch, struct background *background)
{
    if (!background || batch->count < LARGE) {
        batch_free(batch);
        return;
    }
    batch->release = (struct background_job){.run = release};
    background_give(background, &batch->release);
}
