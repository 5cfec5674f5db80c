/* SPDX-License-Identifier: Apache-2.0 */
/* Turns what a handler answers into an MHD response. It sends nothing;
 * exchange_answer.c queues it.
 *
 * Several pieces go out as an iovec, without copying, but MHD copies the iovec itself
 * into the connection's memory (16 bytes an entry), and where that is full it unlocks a
 * mutex it never locked: the process aborts (0.9.75 and 1.0.1, found by measuring,
 * confirmed in the source). So there are at most GATHER_PIECES_MAX entries (2 KiB), and
 * for a request that may have used up the connection's memory (exchange.c decides) the
 * pieces are joined into one buffer. */
#include "http/reply.h"

#include "base/memory.h"
#include "batch/gather.h"
#include "http/front_state.h"

#include <assert.h>
#include <stdlib.h>

struct held_pieces {
    struct budgets *budgets;
    uint64_t reply_bytes;
    size_t count;
    struct gather_piece pieces[];
};

struct held_buffer {
    struct budgets *budgets;
    uint64_t reply_bytes;
    char *data;
};

static void free_pieces(void *context)
{
    struct held_pieces *held = context;
    for (size_t i = 0; i < held->count; i++)
        free(held->pieces[i].data);
    budget_give(&held->budgets->reply_bytes, held->reply_bytes);
    free(held);
}

static void free_buffer(void *context)
{
    struct held_buffer *held = context;
    free(held->data);
    budget_give(&held->budgets->reply_bytes, held->reply_bytes);
    free(held);
}

struct MHD_Response *reply_from_text(char *text, size_t len)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(len, text, free);
    if (!response)
        free(text);
    return response;
}

struct MHD_Response *reply_from_static(struct slice text)
{
    /* MHD's buffer is not const, but PERSISTENT means it is only read. */
    union {
        const char *given;
        void *taken;
    } data = {.given = text.data};
    return MHD_create_response_from_buffer(text.len, data.taken, MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *from_one(char *data, size_t len, uint64_t reply_bytes,
                                     struct budgets *budgets)
{
    struct held_buffer *held = memory_new(sizeof *held);
    *held = (struct held_buffer){
        .budgets = budgets, .reply_bytes = reply_bytes, .data = data};
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback_cls(len, data, free_buffer,
                                                               held);
    if (!response)
        free_buffer(held);
    return response;
}

/* Appends the pieces after the first to it, freeing each as it goes. */
static bool join(struct gather_piece *first, const struct gather_piece *rest,
                 size_t count)
{
    size_t total = first->len;
    for (size_t i = 0; i < count; i++)
        total += rest[i].len;
    char *all = realloc(first->data, total);
    if (!all)
        return false;
    first->data = all;
    for (size_t i = 0; i < count; i++) {
        memcpy(first->data + first->len, rest[i].data, rest[i].len);
        first->len += rest[i].len;
        free(rest[i].data);
    }
    return true;
}

static struct MHD_Response *from_many(const struct gather_piece *pieces, size_t count,
                                      uint64_t reply_bytes, struct budgets *budgets)
{
    struct MHD_IoVec parts[GATHER_PIECES_MAX];
    struct held_pieces *held = memory_new(sizeof *held + count * sizeof *pieces);
    *held = (struct held_pieces){
        .budgets = budgets, .reply_bytes = reply_bytes, .count = count};
    for (size_t i = 0; i < count; i++) {
        held->pieces[i] = pieces[i];
        parts[i] =
            (struct MHD_IoVec){.iov_base = pieces[i].data, .iov_len = pieces[i].len};
    }
    struct MHD_Response *response =
        MHD_create_response_from_iovec(parts, (unsigned)count, free_pieces, held);
    if (!response)
        free_pieces(held);
    return response;
}

struct MHD_Response *reply_from_pieces(const struct gather_piece *pieces, size_t count,
                                       uint64_t reply_bytes, struct budgets *budgets,
                                       bool is_joined)
{
    assert(count >= 1 && count <= GATHER_PIECES_MAX);
    struct gather_piece first = pieces[0];
    if (count == 1)
        return from_one(first.data, first.len, reply_bytes, budgets);
    if (!is_joined)
        return from_many(pieces, count, reply_bytes, budgets);
    if (join(&first, pieces + 1, count - 1))
        return from_one(first.data, first.len, reply_bytes, budgets);
    for (size_t i = 0; i < count; i++)
        free(pieces[i].data);
    budget_give(&budgets->reply_bytes, reply_bytes);
    return NULL;
}

bool reply_add_head(struct MHD_Response *response, const struct exchange *exchange,
                    const struct reply *reply)
{
    bool must_close =
        reply->close || exchange->must_close || exchange->front->is_leaving;
    bool is_ok =
        MHD_add_response_header(response, "X-Request-Id", exchange->request_id) &&
        MHD_add_response_header(response, "Cache-Control",
                                reply->cache_control ? reply->cache_control
                                                     : "no-store") &&
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (reply->content_type)
        is_ok = is_ok &&
                MHD_add_response_header(response, "Content-Type", reply->content_type);
    if (must_close)
        is_ok = is_ok && MHD_add_response_header(response, "Connection", "close");
    for (size_t i = 0; i < REPLY_HEADERS_MAX && reply->extra_names[i]; i++)
        is_ok = is_ok && MHD_add_response_header(response, reply->extra_names[i],
                                                 reply->extra_values[i]);
    return is_ok;
}
