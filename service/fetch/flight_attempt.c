/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts of a flight: one request in a lane, its result, and what may follow it:
 * the next address, the queue again when no socket was to be had, a new connection, once;
 * and the clocks they all stand under. Whether its origin can be believed is asked before
 * and after (taint.h). Called by fetcher.c and by the timer of the call. */
#include "fetch/flight.h"

#include "base/clock.h"
#include "fetch/fetcher_state.h"

#include <assert.h>

/* 0 where HTTP/2 may be spoken, which numbers its replies. */
static uint64_t taint_key(const struct flight *flight)
{
    const struct fetcher *fetcher = flight->fetcher;
    struct origin *origin = flight->call->origin;
    if (origin->target.is_https && fetcher->snapshot->config->fetch.http2)
        return 0;
    if (origin->taint_key == 0)
        origin->taint_key = taints_key(fetcher->setup.shared->taints, &origin->target);
    return origin->taint_key;
}

static bool is_tainted(const struct flight *flight)
{
    uint64_t key = taint_key(flight);
    return key != 0 && taints_has(flight->fetcher->setup.shared->taints, key,
                                  flight->fetcher->setup.loop->now_ms);
}

/* What the attempt showed of its origin. */
static void note_conduct(const struct flight *flight, enum call_code code)
{
    struct fetcher *fetcher = flight->fetcher;
    uint64_t key = flight->transfer->request.taint_key;
    if (key != 0 && transfer_is_suspect(flight->transfer, code) &&
        taints_note(fetcher->setup.shared->taints, key, fetcher->setup.loop->now_ms))
        metrics_add(fetcher->setup.metrics, METRIC_UPSTREAM_UNASKED, 0, 1);
}

/* The reply came on a connection used before, and its origin has been caught since the
 * request was sent: it may be one that was meant for another call. */
static bool is_doubted(const struct flight *flight)
{
    const struct transfer *transfer = flight->transfer;
    return transfer->is_begun && !transfer->is_opened && is_tainted(flight);
}

/* What is left of the batch's deadline, or of the call's total if that is less. */
static uint64_t left_ms(const struct flight *flight)
{
    uint64_t now_ms = flight->fetcher->setup.loop->now_ms;
    uint64_t end_ms = flight->marks.started_ms + flight->limits.total_ms;
    if (flight->call->deadline_ms < end_ms)
        end_ms = flight->call->deadline_ms;
    return end_ms > now_ms ? end_ms - now_ms : 0;
}

static const struct trace *trace_of(const struct flight *flight)
{
    const struct trace *trace = flight->call->flow->trace;
    return trace && trace->is_passed_on ? trace : NULL;
}

static struct transfer_request request_of(const struct flight *flight, char *pin,
                                          size_t size)
{
    const struct call *call = flight->call;
    const struct origin *origin = call->origin;
    struct transfer_request request = {
        .url = flight->url ? flight->url : call->url.data,
        .method = flight->method,
        .headers = flight->headers ? flight->headers : call->headers,
        .header_count = flight->headers ? flight->header_count : call->header_count,
        .has_body = call->has_body && !flight->drops_body,
        .body_max_bytes = call->body_max_bytes,
        .left_ms = left_ms(flight),
        .trace = trace_of(flight),
        .target = &origin->target,
        .origin = origin->number,
        .guard = call->flow->terms->guard,
        .is_frugal = flight->fetcher->is_short_of_sockets,
        .is_fresh = flight->is_redialled,
        .taint_key = taint_key(flight),
    };
    if (request.trace)
        request.span_id =
            request.trace->is_recorded ? flight->span.id : request.trace->context.span_id;
    if (request.has_body)
        request.body = call->body;
    request.is_single = is_tainted(flight);
    request.address = &flight->addresses[flight->address_next].any;
    request.pin = origin->pin;
    if (!origin->target.is_literal) {
        pin_write(request.address, origin->target.port, pin, size);
        request.pin = pin;
    }
    return request;
}

/* Each address left gets an equal share of what is left of the connect clock: a dead
 * first one must not eat it all. */
static void share_connect_time(struct flight *flight, uint64_t now_ms)
{
    size_t left = flight->address_count - flight->address_next;
    uint64_t end_ms = flight->marks.hop_ms + flight->limits.connect_ms;
    bool is_shared = flight->address_count > 0 && left > 1 && end_ms > now_ms;
    flight->address_until_ms = is_shared ? now_ms + (end_ms - now_ms) / left : 0;
}

void flight_go_on(struct flight *flight)
{
    struct fetcher *fetcher = flight->fetcher;
    char pin[PIN_SIZE];
    list_remove(&flight->node);
    if (fetcher_call_is_over(flight->call))
        return; /* until its owner cancels it */
    share_connect_time(flight, fetcher->setup.loop->now_ms);
    struct transfer_request request = request_of(flight, pin, sizeof pin);
    if (!flight_take_transfer(flight) ||
        !transfer_prepare(flight->transfer, &request, flight->call, &flight->marks) ||
        !lanes_add(fetcher->transport->lanes, flight->transfer)) {
        flight_end(flight, CALL_OVERLOADED,
                   "the gateway has no memory for the connection");
        return;
    }
    flight_arm(flight);
}

/* No socket was to be had, so nothing was sent: the call goes back to its queue. */
static void requeue(struct flight *flight)
{
    struct fetcher *fetcher = flight->fetcher;
    struct call *call = flight->call;
    fetcher_note_shortage(fetcher);
    flight_give_transfer(flight);
    if (flight->hops == 0) {
        /* Queue first: the origin must not be idle, and so forgotten, in between. */
        fetcher_requeue(fetcher, call);
        flight_drop(flight);
        return;
    }
    call_set_phase(call, PHASE_QUEUED);
    origins_wait_first(fetcher->origins, call->origin, call, fetcher->setup.loop->now_us);
    flight_release(flight);
}

static bool has_next_address(const struct flight *flight)
{
    return flight->address_next + 1 < flight->address_count;
}

static void try_next_address(struct flight *flight)
{
    flight_give_transfer(flight);
    flight->address_next++;
    call_set_phase(flight->call, PHASE_CONNECTING);
    list_push_back(&flight->fetcher->ready, &flight->node);
}

/* What may be asked again, once, on a new connection: a request whose reused connection
 * died under it (libcurl sees to most of these, but not to a reset while it sends); and
 * one that got something that is no reply at all on a connection used before, most likely
 * what is left of an earlier reply, as a body after HEAD. Neither is this call's fault.
 * Nor is a reply that cannot be believed any more. */
static bool may_redial(const struct flight *flight, enum call_code code)
{
    const struct transfer *transfer = flight->transfer;
    if (!transfer->is_idempotent || flight->is_redialled || transfer->tries != 1)
        return false;
    if (transfer->is_lost)
        return true;
    if (is_doubted(flight))
        return true;
    bool is_dead =
        !transfer->is_begun && (code == CALL_RESET || code == CALL_EMPTY_REPLY);
    bool is_junk = code == CALL_BAD_REPLY && !transfer->head.version;
    return !transfer->is_opened && (is_dead || is_junk);
}

static void redial(struct flight *flight, enum call_code code, const char *message)
{
    flight->is_redialled = true;
    if (flight_is_recorded(flight)) {
        flight_span_close(flight, code, message);
        flight_span_open(flight);
    }
    flight_give_transfer(flight);
    call_set_phase(flight->call, PHASE_CONNECTING);
    flight->marks.hop_ms = flight->fetcher->setup.loop->now_ms;
    list_push_back(&flight->fetcher->ready, &flight->node);
}

static void note_attempt(struct flight *flight)
{
    struct fetcher *fetcher = flight->fetcher;
    const struct transfer *transfer = flight->transfer;
    curl_off_t received = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    flight->timing.bytes = (uint64_t)received;
    flight->timing.is_reused = transfer->tries > 0 && !transfer->is_opened;
    struct metrics_shard *metrics = fetcher->setup.metrics;
    if (flight->timing.is_reused)
        metrics_add(metrics, METRIC_UPSTREAM_REUSED, 0, 1);
    if (transfer->body_sent)
        metrics_add(metrics, METRIC_UPSTREAM_SENT_BYTES, 0, transfer->body_sent);
    if (received > 0)
        metrics_add(metrics, METRIC_UPSTREAM_RECEIVED_BYTES, 0, (uint64_t)received);
    flight_note_times(flight);
}

void flight_attempt_done(struct flight *flight, int result)
{
    const char *message = NULL;
    if (!flight->call) {
        flight_drop(flight);
        return;
    }
    if (flight->has_ended)
        return; /* a clock was faster */
    enum call_code code = transfer_judge(flight->transfer, (CURLcode)result, &message);
    if (flight->transfer->is_short && code == CALL_OVERLOADED) {
        requeue(flight);
        return;
    }
    note_attempt(flight);
    note_conduct(flight, code);
    if (code == CALL_CONNECT && has_next_address(flight)) {
        try_next_address(flight);
        return;
    }
    if (may_redial(flight, code)) {
        redial(flight, code, message);
        return;
    }
    if (is_doubted(flight)) {
        code = CALL_MAYBE_SENT;
        message = "the upstream mixes up its replies, so nobody knows whose this one is";
    }
    flight_circuit_note(flight, code);
    flight_tally(flight, code);
    if (code == CALL_OK && flight_follow(flight))
        return;
    if (!flight->has_ended)
        flight_end(flight, code, message);
}

/* ------------------------------------------------------------------------- clock */

static void skip_address(struct flight *flight)
{
    lanes_remove(flight->transfer->setup->lanes, flight->transfer);
    note_attempt(flight);
    try_next_address(flight);
}

void flight_arm(struct flight *flight)
{
    struct loop *loop = flight->fetcher->setup.loop;
    struct call *call = flight->call;
    struct clock_verdict verdict =
        clocks_judge(&flight->limits, &flight->marks, call->phase, loop->now_ms);
    if (verdict.is_out) {
        if (flight->transfer)
            note_attempt(flight);
        if (flight->is_asking)
            flight->timing.dns = (double)(clock_now_us() - flight->asked_us) / 1000.0;
        clocks_message(&verdict, flight->text, sizeof flight->text);
        flight->is_impatient = verdict.is_lowered;
        flight_end(flight, verdict.code, flight->text);
        return;
    }
    bool is_connecting = call->phase == PHASE_CONNECTING && flight->transfer;
    if (is_connecting && flight->address_until_ms > loop->now_ms &&
        flight->address_until_ms < verdict.next_ms)
        verdict.next_ms = flight->address_until_ms;
    if (!timer_is_set(&call->timer) || verdict.next_ms < call->timer.at_ms)
        loop_timer_set(loop, &call->timer, verdict.next_ms);
}

void flight_on_due(struct timer *timer)
{
    struct call *call = container_of(timer, struct call, timer);
    struct flight *flight = call->flight;
    assert(flight);
    if (flight->has_ended)
        return;
    uint64_t now_ms = flight->fetcher->setup.loop->now_ms;
    if (call->phase == PHASE_CONNECTING && flight->transfer && flight->transfer->lane &&
        flight->address_until_ms != 0 && now_ms >= flight->address_until_ms &&
        has_next_address(flight))
        skip_address(flight);
    flight_arm(flight);
}
