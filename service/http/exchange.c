/* SPDX-License-Identifier: Apache-2.0 */
/* One request from MHD's callbacks to its answer.
 *
 *   request line ─► HEAD ─► vetted, routed, allowed ─► BODY ─► complete: RUNNING
 *                     │                                 │         │          │
 *                     └ refused: answered in MHD's      │         ▼ answers  ▼ waits
 *                       first call, so that MHD closes  │      ANSWERED ◄─ WAITING
 *                       behind it and parses no more    └ late,   │          │ gone
 *                                                         too     ▼          ▼
 *                                                         large  SENDING  DROPPED
 *
 * A streamed answer is STREAMING between ANSWERED and SENDING: exchange_stream.c. What
 * answers and refuses is exchange_answer.c.
 *
 * Good requests are answered in the second call: a reply queued in the first one closes
 * the connection (22.8 µs a request instead of 7.9). A request that waits for longer than
 * a turn is suspended in MHD (keep_waiting); its answer only marks it as resumed, and
 * front_turn runs MHD once for all of them. */
#include "http/front_state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "http/exchange_complaint.h"
#include "http/exchange_head.h"
#include "http/exchange_stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_FIRST_RESERVE = 64 * 1024,
    /* A head of more than this part of server.head_max_bytes may leave too little of the
     * connection's memory for an iovec. */
    SMALL_HEAD_SHARE = 4,
};

/* ---------------------------------------------------------------- the body's memory */

static void drop_body(struct exchange *exchange)
{
    buffer_done(&exchange->body);
    budget_give(&exchange->front->setup.budgets->request_bytes, exchange->charged);
    exchange->charged = 0;
}

void exchange_take_body(struct exchange *exchange, struct buffer *ret_body,
                        uint64_t *ret_charged)
{
    *ret_body = exchange->body;
    *ret_charged = exchange->charged;
    buffer_init(&exchange->body, ret_body->max);
    exchange->charged = 0;
}

/* What will not fit is refused by its announcement, but only what comes is charged: else
 * a few clients that announce much and send little would keep everybody out. */
static bool has_room_for_body(const struct exchange *exchange, uint64_t size)
{
    const struct budget *budget = &exchange->front->setup.budgets->request_bytes;
    return size <= exchange->charged || budget_has_room(budget, size - exchange->charged);
}

/* Room for `size` bytes of body in all; false: the budget is full. */
static bool charge_body(struct exchange *exchange, uint64_t size)
{
    struct budget *budget = &exchange->front->setup.budgets->request_bytes;
    uint64_t more = size > exchange->charged ? size - exchange->charged : 0;
    if (more == 0)
        return true;
    if (!budget_take(budget, more))
        return false;
    exchange->charged += more;
    return true;
}

void exchange_wait(struct exchange *exchange, const struct exchange_waiter *waiter)
{
    assert(exchange->phase == EXCHANGE_RUNNING || exchange->phase == EXCHANGE_WAITING);
    exchange->waiter = *waiter;
    if (exchange->phase == EXCHANGE_WAITING)
        return;
    exchange->phase = EXCHANGE_WAITING;
    list_push_back(&exchange->front->waiting, &exchange->node);
    /* A batch may wait for minutes, with as much memory of its own. */
    drop_body(exchange);
}

static bool has_waiter(const struct exchange *exchange)
{
    return exchange->phase == EXCHANGE_WAITING || exchange->phase == EXCHANGE_STREAMING;
}

/* Takes a waiting exchange out of waiting and tells its handler. */
static void drop_waiting(struct exchange *exchange)
{
    list_remove(&exchange->node);
    exchange->phase = EXCHANGE_DROPPED;
    exchange->waiter.on_gone(exchange->waiter.work);
    metrics_add(exchange->front->setup.metrics, METRIC_CLIENTS_GONE, 0, 1);
}

void exchange_gone(struct exchange *exchange)
{
    if (!has_waiter(exchange))
        return;
    drop_waiting(exchange);
    if (exchange->stream) {
        exchange_stream_cut(exchange);
        return;
    }
    exchange_wake(exchange);
}

/* -------------------------------------------------------------- request line, head */

void *exchange_on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct front *front = cls;
    struct client *client =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
            ->socket_context;
    if (front->has_complaint)
        exchange_leave_to_library(front);
    size_t len = target ? strlen(target) : 0; /* NULL: a request line without a target */
    struct exchange *exchange = memory_new(sizeof *exchange + len + 1);
    exchange->front = front;
    exchange->client = client;
    exchange->run = front->run;
    exchange->target_len = len;
    exchange->raw_target = target;
    if (len)
        memcpy(exchange->target, target, len);
    const char *query = strchr(exchange->target, '?');
    exchange->path_len = query ? (size_t)(query - exchange->target) : len;
    buffer_init(&exchange->body, front->setup.snapshot->config->server.request_max_bytes);
    exchange->snapshot = snapshot_hold(front->setup.snapshot);
    client->exchange = exchange;
    list_push_back(&front->heads, &exchange->node);
    front->exchange_count++;
    if (client->phase == CLIENT_IDLE)
        client_enter(client, CLIENT_HEAD);
    if (exchange_head_is_target_long(exchange))
        exchange_refuse_by_hand(exchange, PROBLEM_URI_TOO_LONG,
                                "the path and query are longer than "
                                "server.head_max_bytes; use POST /v1/batch");
    return exchange;
}

static void take_id(struct exchange *exchange, struct slice id)
{
    if (request_head_id_is_sound(id))
        memcpy(exchange->request_id, id.data, id.len); /* zeroed, so it ends */
    else
        exchange_make_id(exchange->front, exchange->request_id);
}

static enum MHD_Result on_head(struct exchange *exchange, const char *method,
                               const char *version)
{
    struct exchange_head read;
    const struct request_head *head = &read.fields;
    list_remove(&exchange->node);
    exchange_head_read(exchange, method, version, &read);
    /* A head that may be two heads does not choose its id. */
    take_id(exchange, read.is_sound ? head->request_id : slice_from(""));
    if (exchange_head_is_large(exchange, read.size)) {
        exchange_refuse_by_hand(
            exchange, PROBLEM_HEAD_TOO_LARGE,
            "the headers are larger than server.head_max_bytes; the body has more room");
        return MHD_NO;
    }
    if (!read.is_sound)
        exchange_refuse(exchange, head->fault_type, head->fault);
    bool has_body = head->is_chunked || head->length > 0;
    if (!read.is_sound || !exchange_check(exchange, head, method)) {
        exchange->client->must_linger = has_body;
        return exchange->phase == EXCHANGE_ANSWERED ? exchange_queue_answer(exchange)
                                                    : MHD_NO;
    }
    size_t expected =
        head->length < BODY_FIRST_RESERVE ? (size_t)head->length : BODY_FIRST_RESERVE;
    if (!has_room_for_body(exchange, head->length) || !charge_body(exchange, expected)) {
        exchange_refuse_batch(exchange, exchange_no_room_detail);
        exchange->client->must_linger = true;
        return exchange_queue_answer(exchange);
    }
    exchange->is_head = strcmp(method, "HEAD") == 0;
    exchange->is_chunked = head->is_chunked;
    exchange->has_trace = head->has_trace;
    exchange->is_joined_reply =
        head->is_chunked ||
        exchange_head_is_large(exchange, read.size * SMALL_HEAD_SHARE);
    exchange->must_close = !read.is_plain;
    exchange->phase = EXCHANGE_BODY;
    if (has_body)
        client_enter(exchange->client, CLIENT_BODY);
    if (expected && !buffer_reserve(&exchange->body, expected))
        return MHD_NO;
    return MHD_YES;
}

/* -------------------------------------------------------------------- body and end */

/* While the body comes MHD takes no answer; over TLS there is no way past it, so there
 * the answer waits until all of it came. */
static void refuse_late(struct exchange *exchange, enum problem_type type,
                        const char *detail)
{
    drop_body(exchange);
    if (exchange->front->is_tls) {
        exchange->late_refusal = detail;
        exchange->late_type = type;
        return;
    }
    exchange->phase = EXCHANGE_DROPPED;
    client_refuse(exchange->client, type, detail);
}

static enum MHD_Result on_body(struct exchange *exchange, const char *data, size_t *len)
{
    size_t taken = *len;
    *len = 0;
    if (exchange->phase == EXCHANGE_DROPPED)
        return MHD_YES; /* refused by hand: thrown away until the client has read it */
    if (exchange->late_refusal)
        return MHD_YES;
    if (!charge_body(exchange, exchange->body.len + taken))
        refuse_late(exchange, PROBLEM_OVERLOADED, exchange_no_room_detail);
    else if (!buffer_append(&exchange->body, data, taken))
        refuse_late(exchange, PROBLEM_TOO_LARGE, exchange_too_large_detail);
    return MHD_YES;
}

/* The trailers, which are read by nobody here, are held to the rules of the head: 1.0.1
 * takes any byte in their names. */
static bool are_trailers_sound(struct exchange *exchange)
{
    struct request_head trailers;
    if (!exchange->is_chunked)
        return true;
    exchange_head_read_trailers(exchange, &trailers);
    if (!trailers.fault)
        return true;
    exchange->must_close = true;
    exchange_refuse(exchange, trailers.fault_type, trailers.fault);
    return false;
}

/* A connection that neither is suspended nor has an answer is asked about in each run of
 * MHD, at no cost to speak of; suspending and resuming it costs two epoll_ctl, a recv and
 * a wake-up. So it is suspended only if the answer is not there after the turn that
 * starts its calls: upstreams nearby have answered by then. */
static enum MHD_Result keep_waiting(struct exchange *exchange)
{
    if (exchange->turn == exchange->front->turn) {
        exchange->front->has_held = true;
        return MHD_YES;
    }
    MHD_suspend_connection(exchange->client->connection);
    exchange->is_suspended = true;
    return MHD_YES;
}

static enum MHD_Result run_handler(struct exchange *exchange)
{
    struct client *client = exchange->client;
    exchange->phase = EXCHANGE_RUNNING;
    exchange->turn = exchange->front->turn;
    exchange->arrived_us = clock_now_us();
    client->has_more = false; /* what came so far was this request's */
    client_enter(client, CLIENT_BUSY);
    if (exchange->late_refusal)
        exchange_refuse(exchange, exchange->late_type, exchange->late_refusal);
    else if (are_trailers_sound(exchange))
        exchange->route->handler(exchange);
    if (has_waiter(exchange) && client->is_gone)
        drop_waiting(exchange);
    switch (exchange->phase) {
    case EXCHANGE_WAITING:
        return keep_waiting(exchange);
    case EXCHANGE_ANSWERED:
    case EXCHANGE_STREAMING:
        return exchange_queue_answer(exchange);
    default:
        assert(exchange->phase == EXCHANGE_DROPPED);
        return MHD_NO;
    }
}

enum MHD_Result exchange_on_request(void *cls, struct MHD_Connection *connection,
                                    const char *url, const char *method,
                                    const char *version, const char *upload_data,
                                    size_t *upload_data_size, void **request_context)
{
    (void)cls, (void)connection, (void)url; /* the unescaped copy: never compared */
    struct exchange *exchange = *request_context;
    if (exchange->phase == EXCHANGE_HEAD)
        return on_head(exchange, method, version);
    if (*upload_data_size)
        return on_body(exchange, upload_data, upload_data_size);
    if (exchange->client->phase == CLIENT_CLOSING)
        return MHD_NO;
    switch (exchange->phase) {
    case EXCHANGE_BODY:
        return run_handler(exchange);
    case EXCHANGE_WAITING:
        return keep_waiting(exchange);
    case EXCHANGE_ANSWERED:
    case EXCHANGE_STREAMING:
        /* One that was not suspended is written in the next run. */
        exchange->front->has_resumed = true;
        return exchange_queue_answer(exchange);
    default:
        return MHD_NO;
    }
}

void exchange_end(struct exchange *exchange)
{
    struct client *client = exchange->client;
    if (has_waiter(exchange))
        drop_waiting(exchange);
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    exchange_stream_free(exchange);
    list_remove(&exchange->node);
    drop_body(exchange);
    exchange->front->exchange_count--;
    snapshot_release(exchange->snapshot);
    client->exchange = NULL;
    client_enter(client, client->has_more ? CLIENT_HEAD : CLIENT_IDLE);
    free(exchange);
}

void exchange_on_completed(void *cls, struct MHD_Connection *connection,
                           void **request_context, enum MHD_RequestTerminationCode code)
{
    (void)cls, (void)connection, (void)code;
    struct exchange *exchange = *request_context;
    *request_context = NULL;
    if (exchange)
        exchange_end(exchange);
}
