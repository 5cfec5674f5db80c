/* SPDX-License-Identifier: Apache-2.0 */
/* A pack has its memory from the start, and the last one that was done with is kept for
 * the next: at full rate two take turns. Called by tracer.c and the exporter. */
#include "trace/span_queue.h"

#include "base/memory.h"
#include "trace/span.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void span_queue_init(struct span_queue *queue, struct slice head, size_t bytes_max)
{
    *queue = (struct span_queue){.bytes_max = bytes_max};
    buffer_init(&queue->head, head.len);
    (void)buffer_append(&queue->head, head.data, head.len);
    list_init(&queue->full);
}

static void free_pack(struct span_pack *pack)
{
    if (pack)
        buffer_done(&pack->text);
    free(pack);
}

void span_queue_done(struct span_queue *queue)
{
    struct list *node;
    while ((node = list_pop_front(&queue->full)) != NULL)
        free_pack(container_of(node, struct span_pack, node));
    free_pack(queue->open);
    free_pack(queue->spare);
    buffer_done(&queue->head);
    *queue = (struct span_queue){0};
}

static struct span_pack *new_pack(struct span_queue *queue)
{
    const size_t most =
        queue->head.len + SPAN_PACK_BYTES + SPAN_BYTES_MAX + sizeof "]}]}]}";
    struct span_pack *pack = queue->spare;
    queue->spare = NULL;
    if (!pack) {
        pack = memory_new(sizeof *pack);
        buffer_init(&pack->text, most);
    }
    if (!buffer_reserve(&pack->text, most) ||
        !buffer_append(&pack->text, queue->head.data, queue->head.len)) {
        free_pack(pack);
        return NULL;
    }
    pack->charged = pack->text.len;
    queue->bytes += pack->charged;
    return pack;
}

struct buffer *span_queue_begin(struct span_queue *queue)
{
    if (queue->bytes >= queue->bytes_max)
        return NULL;
    if (!queue->open)
        queue->open = new_pack(queue);
    if (!queue->open)
        return NULL;
    struct buffer *text = &queue->open->text;
    queue->open_mark = text->len;
    if (queue->open->count > 0)
        (void)buffer_append_byte(text, ',');
    return text;
}

enum span_added span_queue_end(struct span_queue *queue)
{
    struct span_pack *pack = queue->open;
    struct buffer *text = &pack->text;
    if (text->failed || text->len - queue->open_mark > SPAN_BYTES_MAX) {
        text->failed = false;
        text->len = queue->open_mark;
        return SPAN_LOST;
    }
    queue->bytes += text->len - queue->open_mark;
    pack->charged += text->len - queue->open_mark;
    if (++pack->count == SPAN_PACK_MAX || text->len >= SPAN_PACK_BYTES) {
        list_push_back(&queue->full, &pack->node);
        queue->open = NULL;
        return SPAN_LAST;
    }
    return pack->count == 1 ? SPAN_FIRST : SPAN_ONE_MORE;
}

struct span_pack *span_queue_take(struct span_queue *queue, bool takes_open)
{
    struct list *node = list_pop_front(&queue->full);
    struct span_pack *pack = node ? container_of(node, struct span_pack, node) : NULL;
    if (!pack && takes_open && queue->open && queue->open->count > 0) {
        pack = queue->open;
        queue->open = NULL;
    }
    if (!pack)
        return NULL;
    bool is_whole = buffer_append_text(&pack->text, span_document_end);
    assert(is_whole); /* new_pack made room for it */
    (void)is_whole;
    return pack;
}

void span_queue_drop(struct span_queue *queue, struct span_pack *pack)
{
    queue->bytes -= pack->charged;
    if (queue->spare) {
        free_pack(pack);
        return;
    }
    buffer_clear(&pack->text);
    pack->count = 0;
    pack->charged = 0;
    pack->tries = 0;
    queue->spare = pack;
}
