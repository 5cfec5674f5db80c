/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a request, which is given once: a reply, a problem, or, where MHD takes
 * none any more, a few bytes past it. It reads nothing of the request. Called by
 * handlers, exchange_check.c and exchange.c, which hands what was answered to MHD. */
#include "http/front_state.h"

#include "base/log.h"
#include "http/reply.h"

#include <assert.h>

const char exchange_overload_detail[] = "more work waits than the service can do "
                                        "(server.overload_delay); retry a little later";
const char exchange_no_room_detail[] =
    "the requests held fill memory.request_budget; retry a little later";
const char exchange_too_large_detail[] =
    "the body is longer than server.request_max_bytes; split the batch";

void exchange_wake(struct exchange *exchange)
{
    if (exchange->is_suspended)
        MHD_resume_connection(exchange->client->connection);
    exchange->is_suspended = false;
    exchange->front->has_resumed = true;
}

void exchange_answer(struct exchange *exchange, const struct reply *reply,
                     struct MHD_Response *response, uint64_t len)
{
    bool is_waiting = exchange->phase == EXCHANGE_WAITING;
    assert(exchange->phase <= EXCHANGE_WAITING);
    list_remove(&exchange->node);
    exchange->phase = exchange->stream ? EXCHANGE_STREAMING : EXCHANGE_ANSWERED;
    if (response && !reply_add_head(response, exchange, reply)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    if (!response)
        exchange->phase = EXCHANGE_DROPPED; /* no memory: closing is all that is left */
    exchange->response = response;
    exchange->status = (unsigned)reply->status;
    exchange->reply_len = len;
    if (exchange->phase == EXCHANGE_STREAMING)
        list_push_back(&exchange->front->waiting, &exchange->node);
    if (is_waiting)
        exchange_wake(exchange);
}

void exchange_reply_text(struct exchange *exchange, const struct reply *reply, char *text,
                         size_t len)
{
    exchange_answer(exchange, reply, reply_from_text(text, len), len);
}

void exchange_reply_static(struct exchange *exchange, const struct reply *reply,
                           struct slice text)
{
    exchange_answer(exchange, reply, reply_from_static(text), text.len);
}

void exchange_reply_pieces(struct exchange *exchange, const struct reply *reply,
                           const struct gather_piece *pieces, size_t count,
                           uint64_t reply_bytes)
{
    struct budgets *budgets = exchange->front->setup.budgets;
    struct MHD_Response *response =
        reply_from_pieces(pieces, count, reply_bytes, budgets, exchange->is_joined_reply);
    exchange_answer(exchange, reply, response, reply_bytes);
}

/* Whoever connects can cause these. */
static struct log_class refused_lines = LOG_CLASS(100, 100);

void exchange_note_refusal(const struct front *front, const struct exchange *exchange,
                           enum problem_type type, const char *detail)
{
    struct log_line line;
    log_begin_class(&line, LOG_DEBUG, "request_refused", &refused_lines,
                    front->setup.loop->now_us);
    if (line.is_on && exchange) {
        char client[EXCHANGE_ADDRESS_SIZE];
        exchange_client_address(exchange, client);
        if (exchange->request_id[0])
            log_text(&line, "requestId", exchange->request_id);
        log_text(&line, "client", client);
    }
    log_int(&line, "status", problem_status(type));
    log_text(&line, "detail", detail);
    log_end(&line);
}

void exchange_refuse(struct exchange *exchange, enum problem_type type,
                     const char *detail)
{
    exchange_note_refusal(exchange->front, exchange, type, detail);
    problem_reply(exchange, type, detail, NULL);
}

void exchange_refuse_batch(struct exchange *exchange, const char *detail)
{
    metrics_add(exchange->front->setup.metrics, METRIC_BATCHES, BATCH_REFUSED, 1);
    exchange_refuse(exchange, PROBLEM_OVERLOADED, detail);
}

void exchange_refuse_by_hand(struct exchange *exchange, enum problem_type type,
                             const char *detail)
{
    exchange->phase = EXCHANGE_DROPPED;
    exchange->client->must_linger = true;
    client_refuse(exchange->client, type, detail);
}

enum MHD_Result exchange_queue_answer(struct exchange *exchange)
{
    struct front *front = exchange->front;
    if (exchange->phase != EXCHANGE_STREAMING)
        exchange->phase = EXCHANGE_SENDING;
    client_enter(exchange->client, CLIENT_REPLY);
    metrics_add(front->setup.metrics, METRIC_REQUESTS,
                status_class((int)exchange->status), 1);
    metrics_add(front->setup.metrics, METRIC_REPLY_BYTES, 0, exchange->reply_len);
    enum MHD_Result result = MHD_queue_response(exchange->client->connection,
                                                exchange->status, exchange->response);
    MHD_destroy_response(exchange->response); /* MHD holds its own reference */
    exchange->response = NULL;
    return result;
}
