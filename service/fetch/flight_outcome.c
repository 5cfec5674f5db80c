/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a call as its owner sees it: code, reply, timing; and counted. The only
 * place that calls on_done. */
#include "fetch/fetcher_state.h"
#include "fetch/flight.h"

#include "base/clock.h"
#include "fetch/coalesce.h"

static double ms_of(curl_off_t us)
{
    return (double)us / 1000.0;
}

static void add(double *sum, double ms)
{
    double more = ms < 0 ? 0 : ms;
    *sum = *sum < 0 ? more : *sum + more;
}

static curl_off_t time_of(const struct transfer *transfer, CURLINFO info)
{
    curl_off_t us = 0;
    curl_easy_getinfo(transfer->easy, info, &us);
    return us;
}

/* From the first to the last byte of the request; libcurl before 8.10 does not tell. */
static double send_ms(const struct transfer *transfer)
{
#if LIBCURL_VERSION_NUM >= 0x080a00
    curl_off_t ready = time_of(transfer, CURLINFO_PRETRANSFER_TIME_T);
    curl_off_t sent = time_of(transfer, CURLINFO_POSTTRANSFER_TIME_T);
    return sent > ready ? ms_of(sent - ready) : 0;
#else
    (void)transfer;
    return 0;
#endif
}

/* HAR: ssl is part of connect. The first hop's ends when the request could be sent, or
 * now, and holds every address that was tried. */
static void note_connect(struct flight *flight)
{
    const struct transfer *transfer = flight->transfer;
    struct call_timing *timing = &flight->timing;
    curl_off_t connected = time_of(transfer, CURLINFO_CONNECT_TIME_T);
    curl_off_t secured = time_of(transfer, CURLINFO_APPCONNECT_TIME_T);
    if (secured > 0)
        add(&timing->ssl, ms_of(secured - connected));
    if (flight->hops > 0) {
        add(&timing->connect, ms_of(secured > connected ? secured : connected));
        return;
    }
    uint64_t end_us = transfer->ready_us ? transfer->ready_us : clock_now_us();
    double ms = ms_of((curl_off_t)(end_us - flight->call->started_us));
    timing->connect = timing->dns > 0 ? ms - timing->dns : ms;
    if (timing->connect < 0)
        timing->connect = 0;
}

/* Adds what the attempt that just ended took, phase by phase. libcurl's own time of the
 * first byte is at times that of the request, so that one is ours. */
void flight_note_times(struct flight *flight)
{
    const struct transfer *transfer = flight->transfer;
    struct call_timing *timing = &flight->timing;
    if (transfer->is_opened)
        note_connect(flight);
    if (transfer->tries == 0)
        return;
    double send = send_ms(transfer);
    if (!transfer->is_begun) {
        add(&timing->send, send);
        return;
    }
    double until_begun = ms_of((curl_off_t)(transfer->begun_us - transfer->ready_us));
    if (send > until_begun)
        send = until_begun;
    add(&timing->send, send);
    add(&timing->wait, until_begun - send);
    add(&timing->receive, ms_of((curl_off_t)(clock_now_us() - transfer->begun_us)));
}

static void close_timing(struct flight *flight)
{
    struct call_timing *timing = &flight->timing;
    const struct call *call = flight->call;
    uint64_t now_us = clock_now_us();
    uint64_t started_us = call->started_us ? call->started_us : now_us;
    timing->blocked = (double)(started_us - call->queued_us) / 1000.0;
    timing->total = (double)(now_us - call->queued_us) / 1000.0;
    if (!flight->transfer)
        return;
    timing->http_version = flight->transfer->head.version;
    if (flight->address_count > 0)
        timing->remote_address = pin_remote(flight->transfer->pin);
}

static void observe_total(const struct flight *flight)
{
    const struct fetcher *fetcher = flight->fetcher;
    double seconds = flight->timing.total / 1000.0;
    struct exemplar exemplar;
    if (flight->span.sent == 0 || !flight_span_is_in(flight, flight->call->flow)) {
        metrics_observe(fetcher->setup.metrics, METRIC_PHASE_SECONDS, PHASE_LABEL_TOTAL,
                        seconds);
        return;
    }
    trace_exemplar(flight->call->flow->trace, flight->span.id,
                   fetcher->setup.loop->now_us, &exemplar);
    metrics_observe_traced(fetcher->setup.metrics, METRIC_PHASE_SECONDS,
                           PHASE_LABEL_TOTAL, seconds, &exemplar);
}

static void observe(const struct flight *flight)
{
    const struct fetcher *fetcher = flight->fetcher;
    const struct call_timing *timing = &flight->timing;
    const double phases[PHASE_LABEL_TOTAL] = {
        [PHASE_LABEL_BLOCKED] = timing->blocked, [PHASE_LABEL_DNS] = timing->dns,
        [PHASE_LABEL_CONNECT] = timing->connect, [PHASE_LABEL_SSL] = timing->ssl,
        [PHASE_LABEL_SEND] = timing->send,       [PHASE_LABEL_WAIT] = timing->wait,
        [PHASE_LABEL_RECEIVE] = timing->receive,
    };
    for (unsigned i = 0; i < PHASE_LABEL_TOTAL; i++) {
        if (phases[i] >= 0)
            metrics_observe(fetcher->setup.metrics, METRIC_PHASE_SECONDS, i,
                            phases[i] / 1000.0);
    }
    observe_total(flight);
}

static void put_reply(struct flight *flight, struct outcome *outcome)
{
    struct fetcher *fetcher = flight->fetcher;
    const struct transfer *transfer = flight->transfer;
    const struct reply_head *head = &transfer->head;
    outcome->status = head->status;
    outcome->headers = fetcher->headers;
    outcome->header_count =
        reply_head_fields(head, transfer->decoder != NULL, fetcher->headers);
    outcome->content_type = reply_head_find(head, FIELD_CONTENT_TYPE);
    outcome->body = buffer_slice(&transfer->body);
    outcome->has_body = transfer->body.len > 0;
}

/* All that an outcome leaves behind, once. */
static void note(struct flight *flight)
{
    struct fetcher *fetcher = flight->fetcher;
    if (flight->code == CALL_BLOCKED_URL || flight->code == CALL_BLOCKED_ADDRESS)
        egress_note_refused(fetcher, flight->message);
    observe(flight);
    flight->is_noted = true;
}

static void give(struct flight *flight, const struct outcome *outcome)
{
    struct call *call = flight->call;
    loop_timer_clear(flight->fetcher->setup.loop, &call->timer);
    if (!call->is_guest) /* its home reads where it was until the outcome is there */
        call_set_phase(call, PHASE_IDLE);
    call->origin = NULL;
    call->flight = NULL;
    flight->call = NULL;
    call->on_done(call, outcome);
}

/* True: there are others. */
static bool share(struct flight *flight, const struct outcome *outcome)
{
    struct fetcher *fetcher = flight->fetcher;
    loop_timer_clear(fetcher->setup.loop, &flight->call->timer);
    coalesce_close(fetcher, flight->call);
    if (coalesce_give(fetcher, flight->call, outcome))
        return true;
    flight->call = NULL;
    return false;
}

bool flight_deliver(struct flight *flight)
{
    close_timing(flight);
    struct outcome outcome = {
        .code = flight->code,
        .method = flight->call->method,
        .message = flight->message,
        .timing = flight->timing,
        .hops = flight->hops,
    };
    if (flight->code == CALL_OK)
        put_reply(flight, &outcome);
    if (flight->span.sent > 0)
        memcpy(outcome.span_id, flight->span.id, SPAN_ID_LEN);
    if (!flight->is_noted)
        note(flight);
    /* While on_done runs the flight is in no list, so nothing it does can touch it. */
    list_remove(&flight->node);
    if (!flight->call->is_shared)
        give(flight, &outcome);
    else if (share(flight, &outcome))
        return true;
    flight_abandon(flight);
    return false;
}
