/* SPDX-License-Identifier: Apache-2.0 */
/* {"responses":[ fragment, fragment, … ],"summary":{…}}
 *
 * A small reply is one piece, because the connection sends head and one buffer together.
 * Of a large one the large fragments are handed out as they are: copying 100 MB costs
 * half as much again as everything else. Nor is a segment that was put in order when its
 * last item ended: joining 12 MB would keep everybody else waiting for 6 ms. The number
 * of pieces is bounded, because more of them than a connection's memory holds ends the
 * process inside the HTTP library: when they run short, all the rest is one piece. Called
 * by gather_reply. */
#include "batch/reply.h"

#include "batch/render.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ONE_PIECE_MAX = 256 << 10,
    LARGE_FRAGMENT = 64 << 10,
    TAIL_MAX = 256,
};

static const char head[] = "{\"responses\":";

struct joiner {
    struct batch *batch;
    struct gather_piece *pieces;
    size_t count;
    bool is_whole;       /* everything goes into one piece */
    size_t ordered_left; /* segments to become pieces of their own */
    struct slice tail;
};

static void put(char **to, const void *bytes, size_t len)
{
    memcpy(*to, bytes, len);
    *to += len;
}

/* Does item `i` become a piece of its own? Two pieces are kept for what follows, and two
 * for each ordered segment and what comes before it. */
static bool stands_alone(const struct joiner *joiner, size_t i)
{
    const struct fragment *fragment = &joiner->batch->items[i].fragment;
    return !joiner->is_whole && fragment->own && fragment->len >= LARGE_FRAGMENT &&
           joiner->count + 3 + 2 * joiner->ordered_left <= GATHER_PIECES_MAX;
}

static void put_fragment(const struct batch *batch, char **to, struct item *item)
{
    struct fragment *fragment = &item->fragment;
    const char *block = batch_segment_of(batch, item)->block.data;
    put(to, fragment->own ? fragment->own : block + fragment->offset, fragment->len);
    free(fragment->own);
    fragment->own = NULL;
}

static struct item *first_of(const struct batch *batch, const struct segment *segment)
{
    return &batch->items[(size_t)(segment - batch->segments) * batch->segment_items];
}

static struct item *end_of(const struct batch *batch, const struct segment *segment)
{
    bool is_last = segment + 1 == batch->segments + batch->segment_count;
    return is_last ? batch->items + batch->count : first_of(batch, segment + 1);
}

void reply_order(struct batch *batch, struct segment *segment)
{
    struct item *first = first_of(batch, segment);
    struct item *end = end_of(batch, segment);
    struct buffer ordered;
    size_t size = 0;
    for (struct item *item = first; item < end; item++) {
        if (item->fragment.own)
            return;
        size += item->fragment.len;
    }
    buffer_init(&ordered, size);
    if (size == 0 || !buffer_reserve(&ordered, size))
        return;
    char *to = ordered.data;
    for (struct item *item = first; item < end; item++) {
        size_t offset = (size_t)(to - ordered.data);
        put_fragment(batch, &to, item);
        item->fragment.offset = offset;
    }
    ordered.len = size;
    buffer_done(&segment->block);
    segment->block = ordered;
    segment->is_ordered = true;
}

/* Items `from` up to `until` (not included) copied together, with what begins or ends the
 * document if they do. */
static bool join_run(struct joiner *joiner, size_t from, size_t until)
{
    size_t begin = from == 0 ? sizeof head - 1 : 0;
    size_t end = until == joiner->batch->count ? joiner->tail.len : 0;
    size_t size = begin + end;
    for (size_t i = from; i < until; i++)
        size += joiner->batch->items[i].fragment.len;
    if (size == 0)
        return true;
    char *data = malloc(size);
    if (!data)
        return false;
    char *to = data;
    put(&to, head, begin);
    for (size_t i = from; i < until; i++)
        put_fragment(joiner->batch, &to, &joiner->batch->items[i]);
    put(&to, joiner->tail.data, end);
    assert(joiner->count < GATHER_PIECES_MAX && to == data + size);
    joiner->pieces[joiner->count++] = (struct gather_piece){.data = data, .len = size};
    return true;
}

/* Items `from` up to `until`, of which large ones stand alone; *run is the first item not
 * yet in a piece. */
static bool join_items(struct joiner *joiner, size_t from, size_t until, size_t *run)
{
    for (size_t i = from; i < until; i++) {
        if (!stands_alone(joiner, i))
            continue;
        if (!join_run(joiner, *run, i))
            return false;
        struct fragment *fragment = &joiner->batch->items[i].fragment;
        joiner->pieces[joiner->count++] =
            (struct gather_piece){.data = fragment->own, .len = fragment->len};
        fragment->own = NULL;
        *run = i + 1;
    }
    return true;
}

static bool join_all(struct joiner *joiner)
{
    const struct batch *batch = joiner->batch;
    size_t run = 0;
    for (size_t i = 0; i < batch->segment_count; i++) {
        struct segment *segment = &batch->segments[i];
        size_t from = (size_t)(first_of(batch, segment) - batch->items);
        size_t until = (size_t)(end_of(batch, segment) - batch->items);
        if (!segment->is_ordered || joiner->is_whole) {
            if (!join_items(joiner, from, until, &run))
                return false;
            continue;
        }
        if (!join_run(joiner, run, from))
            return false;
        struct gather_piece *piece = &joiner->pieces[joiner->count++];
        piece->data = buffer_take(&segment->block, &piece->len);
        joiner->ordered_left--;
        run = until;
    }
    return join_run(joiner, run, batch->count);
}

size_t reply_join(struct batch *batch, const struct gather_summary *summary,
                  struct gather_piece pieces[GATHER_PIECES_MAX])
{
    char tail_text[TAIL_MAX];
    struct buffer tail = {
        .data = tail_text, .cap = sizeof tail_text, .max = sizeof tail_text};
    buffer_append_text(&tail, batch->count == 0 ? "[],\"summary\":" : "],\"summary\":");
    render_summary(&tail, summary);
    buffer_append_text(&tail, "}\n");
    assert(!tail.failed);

    size_t size = sizeof head - 1 + tail.len;
    for (size_t i = 0; i < batch->count; i++)
        size += batch->items[i].fragment.len;
    struct joiner joiner = {
        .batch = batch,
        .pieces = pieces,
        .is_whole = size <= ONE_PIECE_MAX,
        .tail = buffer_slice(&tail),
    };
    for (size_t i = 0; i < batch->segment_count; i++)
        joiner.ordered_left += batch->segments[i].is_ordered;
    if (join_all(&joiner))
        return joiner.count;
    for (size_t i = 0; i < joiner.count; i++)
        free(pieces[i].data);
    return 0;
}
