/* SPDX-License-Identifier: Apache-2.0 */
/* {"responses":[ fragment, fragment, … ],"summary":{…}}
 *
 * A small reply is one piece, because the connection sends head and one buffer together.
 * Of a large one the large fragments are handed out as they are: copying 100 MB costs
 * half as much again as everything else. The number of pieces is bounded, because more of
 * them than a connection's memory holds ends the process inside the HTTP library: when
 * they run short, all the rest is one piece. Called by gather_reply. */
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
    bool is_whole; /* everything goes into one piece */
    struct slice tail;
};

static void put(char **to, const void *bytes, size_t len)
{
    memcpy(*to, bytes, len);
    *to += len;
}

/* Does item `i` become a piece of its own? Two pieces are kept for what follows. */
static bool stands_alone(const struct joiner *joiner, size_t i)
{
    const struct fragment *fragment = &joiner->batch->items[i].fragment;
    return !joiner->is_whole && fragment->own && fragment->len >= LARGE_FRAGMENT &&
           joiner->count + 3 <= GATHER_PIECES_MAX;
}

static void put_fragment(struct joiner *joiner, char **to, struct fragment *fragment)
{
    put(to,
        fragment->own ? fragment->own : joiner->batch->fragments.data + fragment->offset,
        fragment->len);
    free(fragment->own);
    fragment->own = NULL;
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
        put_fragment(joiner, &to, &joiner->batch->items[i].fragment);
    put(&to, joiner->tail.data, end);
    assert(joiner->count < GATHER_PIECES_MAX && to == data + size);
    joiner->pieces[joiner->count++] = (struct gather_piece){.data = data, .len = size};
    return true;
}

static bool join_all(struct joiner *joiner)
{
    size_t count = joiner->batch->count;
    size_t from = 0;
    for (size_t i = 0; i < count; i++) {
        if (!stands_alone(joiner, i))
            continue;
        if (!join_run(joiner, from, i))
            return false;
        struct fragment *fragment = &joiner->batch->items[i].fragment;
        joiner->pieces[joiner->count++] =
            (struct gather_piece){.data = fragment->own, .len = fragment->len};
        fragment->own = NULL;
        from = i + 1;
    }
    return join_run(joiner, from, count);
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
    if (join_all(&joiner))
        return joiner.count;
    for (size_t i = 0; i < joiner.count; i++)
        free(pieces[i].data);
    return 0;
}
