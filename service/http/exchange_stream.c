/* SPDX-License-Identifier: Apache-2.0 */
/* A streamed reply's way through MHD, which asks for the body whenever it can write. With
 * nothing to give, the connection is suspended inside that question (allowed there alone
 * besides the handler, by its documentation) and resumed by the next write; else MHD asks
 * again at once, for ever. What follows from the bytes that left is done by a timer in
 * the next turn, never inside MHD.
 *
 *   STREAMING ──exchange_stream_end──► SENDING        a clean end, behind the last byte
 *       └──────client gone, no memory──► DROPPED      an error: MHD closes at once
 */
#include "http/exchange_stream.h"

#include "base/log.h"
#include "base/memory.h"
#include "http/front_state.h"
#include "http/stream_queue.h"

#include <assert.h>
#include <stdlib.h>

enum {
    BEHIND_BYTES = 1 << 20,       /* from here on the reader is behind … */
    CAUGHT_UP_BYTES = 256 * 1024, /* … until no more than this is left */
    BLOCK_SIZE = 4096,            /* what HTTP/1.0 is given at once */
};

struct stream {
    struct exchange *exchange;
    struct stream_queue queue;
    void (*on_room)(void *work);
    struct timer later;
    bool is_suspended; /* MHD waits for the next write */
    bool is_behind;
    bool is_ended;
    bool is_cut; /* what was written is not complete, and never will be */
};

/* ----------------------------------------------------------------- MHD's question */

static ssize_t read_more(void *cls, uint64_t position, char *to, size_t max)
{
    (void)position;
    struct stream *stream = cls;
    struct exchange *exchange = stream->exchange;
    if (stream->is_cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t taken = stream_queue_take(&stream->queue, to, max);
    metrics_add(exchange->front->setup.metrics, METRIC_REPLY_BYTES, 0, taken);
    if (stream->is_behind && stream->queue.held <= CAUGHT_UP_BYTES)
        loop_timer_set(exchange->front->setup.loop, &stream->later,
                       exchange->front->setup.loop->now_ms);
    if (taken > 0)
        return (ssize_t)taken;
    if (stream->is_ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    stream->is_suspended = true;
    client_enter(exchange->client, CLIENT_BUSY);
    MHD_suspend_connection(exchange->client->connection);
    return 0;
}

static void wake(struct stream *stream)
{
    struct exchange *exchange = stream->exchange;
    if (!stream->is_suspended)
        return;
    stream->is_suspended = false;
    /* The reader's clock runs while there is something to read: its pace is measured by
     * what was written since then. */
    exchange->reply_len = 0;
    client_enter(exchange->client, CLIENT_REPLY);
    MHD_resume_connection(exchange->client->connection);
    exchange->front->has_resumed = true;
}

static void on_later(struct timer *timer)
{
    struct stream *stream = container_of(timer, struct stream, later);
    struct exchange *exchange = stream->exchange;
    if (stream->is_cut) {
        exchange_gone(exchange);
        return;
    }
    stream->is_behind = stream->queue.held > CAUGHT_UP_BYTES;
    if (!stream->is_behind && exchange->phase == EXCHANGE_STREAMING)
        stream->on_room(exchange->waiter.work);
}

/* ----------------------------------------------------------------------- handlers */

/* MHD 0.9.75 sends a last chunk behind the head of a reply to HEAD, where the next reply
 * should begin; without chunks it closes instead. */
static struct MHD_Response *make_response(struct stream *stream)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_more, stream, NULL);
    if (response && stream->exchange->is_head)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}

bool exchange_stream_start(struct exchange *exchange,
                           const struct exchange_stream_setup *setup)
{
    struct stream *stream = memory_new(sizeof *stream);
    stream->exchange = exchange;
    stream->on_room = setup->on_room;
    stream->later.on_due = on_later;
    stream_queue_init(&stream->queue, &exchange->front->setup.budgets->reply_bytes);
    exchange->stream = stream;
    exchange->waiter = setup->waiter;
    exchange_answer(exchange, &setup->head, make_response(stream), 0);
    return exchange->phase == EXCHANGE_STREAMING;
}

static struct log_class cut_lines = LOG_CLASS(1, 5);

char *exchange_stream_add(struct exchange *exchange, size_t size)
{
    struct stream *stream = exchange->stream;
    struct loop *loop = exchange->front->setup.loop;
    assert(!stream->is_ended);
    char *to = stream->is_cut ? NULL : stream_queue_add(&stream->queue, size);
    if (!to) {
        if (!stream->is_cut)
            log_message_class(LOG_WARNING, "stream_cut", "no memory for the reply",
                              &cut_lines, loop->now_us);
        stream->is_cut = true;
        loop_timer_set(loop, &stream->later, loop->now_ms);
        return NULL;
    }
    stream->is_behind = stream->is_behind || stream->queue.held >= BEHIND_BYTES;
    wake(stream);
    exchange->reply_len += size;
    return to;
}

bool exchange_stream_is_behind(const struct exchange *exchange)
{
    return exchange->stream->is_behind;
}

size_t exchange_stream_held(const struct exchange *exchange)
{
    return exchange->stream->queue.held;
}

void exchange_stream_end(struct exchange *exchange)
{
    assert(exchange->phase == EXCHANGE_STREAMING);
    struct stream *stream = exchange->stream;
    list_remove(&exchange->node);
    /* With its response still here it waits for MHD to ask for it. */
    exchange->phase = exchange->response ? EXCHANGE_ANSWERED : EXCHANGE_SENDING;
    loop_timer_clear(exchange->front->setup.loop, &stream->later);
    stream->is_ended = true;
    wake(stream);
}

/* ----------------------------------------------------------------------- exchange.c */

void exchange_stream_cut(struct exchange *exchange)
{
    exchange->stream->is_cut = true;
    wake(exchange->stream);
    /* Where MHD waits for the client to read, this is what it is woken by. */
    client_hang_up(exchange->client);
}

void exchange_stream_free(struct exchange *exchange)
{
    if (!exchange->stream)
        return;
    loop_timer_clear(exchange->front->setup.loop, &exchange->stream->later);
    stream_queue_done(&exchange->stream->queue);
    free(exchange->stream);
}
