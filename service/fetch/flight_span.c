/* SPDX-License-Identifier: Apache-2.0 */
/* The spans of a flight: one for each request, from its slot to its end, with the phases
 * as events: each is when a phase began. Attributes by OpenTelemetry's semantic
 * conventions for HTTP clients (1.27). Does nothing for calls whose trace is not
 * recorded, which is to be asked before: flight_is_recorded. */
#include "fetch/fetcher_state.h"
#include "fetch/flight.h"

#include "base/clock.h"
#include "base/redact.h"
#include "trace/span.h"
#include "trace/tracer.h"

#include <string.h>

enum { DIGITS_MAX = 10 };

void flight_span_open(struct flight *flight)
{
    struct flight_span *span = &flight->span;
    struct fetcher *fetcher = flight->fetcher;
    if (span->is_open)
        return; /* it waits for its slot once more, for want of a socket */
    bool is_first = span->sent == 0 && flight->call->started_us > 0;
    span->is_open = true;
    span->start_us = is_first ? flight->call->started_us : clock_now_us();
    span->before = flight->timing;
    tracer_make_span_id(fetcher->setup.tracer, span->id);
}

/* What the attempt added to a sum of the flight's. */
static uint64_t us_since(double before_ms, double now_ms)
{
    double ms = now_ms - (before_ms < 0 ? 0 : before_ms);
    return ms > 0 ? (uint64_t)(ms * 1000) : 0;
}

/* Only behind one of these is there something to hide. */
static bool has_secrets(struct slice url)
{
    return memchr(url.data, '?', url.len) || memchr(url.data, '#', url.len) ||
           memchr(url.data, '@', url.len);
}

/* One that was vetted is printable ASCII without backslash (url.h). */
static void put_url(struct buffer *out, struct slice url, bool is_vetted,
                    const struct config *config)
{
    const struct slice key = SPAN_KEY("url.full");
    char text[SPAN_TEXT_MAX];
    struct buffer shown = {.data = text, .cap = sizeof text, .max = sizeof text};
    if (url.len == 0)
        return;
    if (has_secrets(url)) {
        enum redact_mode mode = (enum redact_mode)config->log.redact;
        redact_url(&shown, url, mode); /* of a long one the beginning */
        span_put(out, key, buffer_slice(&shown));
    } else if (is_vetted && url.len < SPAN_TEXT_MAX && !memchr(url.data, '"', url.len)) {
        SPAN_PUT_PLAIN(out, "url.full", url);
    } else {
        span_put(out, key, url);
    }
}

/* A number as text; it ends where `room` does. */
static struct slice digits_of(unsigned number, char room[DIGITS_MAX])
{
    size_t at = DIGITS_MAX;
    do {
        room[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return slice_make(room + at, DIGITS_MAX - at);
}

static void put_server(struct buffer *out, const struct target *target)
{
    char digits[DIGITS_MAX];
    /* Of a name or an address nothing needs an escape. */
    SPAN_PUT_PLAIN(out, "server.address", slice_from(target->host));
    SPAN_PUT_DIGITS(out, "server.port", digits_of(target->port, digits));
}

/* "192.0.2.1:80" and "[2001:db8::1]:80", cut where the port begins. Of a URL with an
 * address server.address says it. */
static void put_peer(struct buffer *out, const char *remote, const struct target *target)
{
    const char *colon = remote ? strrchr(remote, ':') : NULL;
    if (!colon)
        return;
    struct slice address = slice_make(remote, (size_t)(colon - remote));
    if (*remote == '[')
        address = slice_make(remote + 1, address.len - 2);
    if (!slice_is(address, target->host))
        SPAN_PUT_PLAIN(out, "network.peer.address", address);
}

static void put_reply(struct buffer *out, const struct reply_head *head)
{
    char digits[DIGITS_MAX];
    if (head->status > 0)
        SPAN_PUT_DIGITS(out, "http.response.status_code",
                        digits_of((unsigned)head->status, digits));
    if (head->version)
        SPAN_PUT_PLAIN(out, "network.protocol.version", slice_from(head->version));
}

static void put_request(struct buffer *out, const struct flight *flight)
{
    const struct call *call = flight->call;
    char digits[DIGITS_MAX];
    unsigned resends = call->resends + flight->span.sent;
    SPAN_PUT_PLAIN(out, "http.request.method",
                   slice_from(call_method_name(flight->method)));
    put_url(out, flight->url ? slice_from(flight->url) : call->url, flight->span.is_open,
            fetcher_config(call));
    if (resends > 0)
        SPAN_PUT_DIGITS(out, "http.request.resend_count", digits_of(resends, digits));
    SPAN_PUT_DIGITS(out, "gatherd.item.index", digits_of(call->item_index, digits));
}

static void put_attempt(struct buffer *out, const struct flight *flight)
{
    const struct transfer *transfer = flight->transfer;
    const struct target *target = &flight->call->origin->target;
    put_server(out, target);
    if (!transfer)
        return;
    if (flight->address_count > 0)
        put_peer(out, pin_remote(transfer->pin), target);
    put_reply(out, &transfer->head);
}

static void put_error(struct buffer *out, enum call_code code, int status)
{
    char digits[DIGITS_MAX];
    if (code != CALL_OK)
        SPAN_PUT_PLAIN(out, "error.type", slice_from(call_code_row(code)->name));
    else if (status >= 400)
        SPAN_PUT_PLAIN(out, "error.type", digits_of((unsigned)status, digits));
}

static void put_phases(struct buffer *out, const struct flight *flight, uint64_t wall_us)
{
    const struct flight_span *span = &flight->span;
    const struct transfer *transfer = flight->transfer;
    const struct call_timing *timing = &flight->timing;
    uint64_t connect_us = span->start_us;
    span_events(out);
    if (flight->asked_us >= span->start_us) {
        span_event(out, SPAN_KEY("dns"), wall_us + flight->asked_us);
        connect_us = flight->asked_us + us_since(span->before.dns, timing->dns);
    }
    if (!transfer)
        return;
    if (transfer->is_opened)
        span_event(out, SPAN_KEY("connect"), wall_us + connect_us);
    if (transfer->tries == 0)
        return;
    uint64_t ssl_us = transfer->is_opened ? us_since(span->before.ssl, timing->ssl) : 0;
    if (ssl_us > 0)
        span_event(out, SPAN_KEY("ssl"), wall_us + transfer->ready_us - ssl_us);
    uint64_t sent_us = transfer->ready_us + us_since(span->before.send, timing->send);
    span_event(out, SPAN_KEY("send"), wall_us + transfer->ready_us);
    span_event(out, SPAN_KEY("wait"), wall_us + sent_us);
    if (transfer->is_begun)
        span_event(out, SPAN_KEY("receive"), wall_us + transfer->begun_us);
}

static void write(struct buffer *out, const struct flight *flight, enum call_code code,
                  const char *message)
{
    const struct flight_span *own = &flight->span;
    const struct trace *trace = flight->call->flow->trace;
    const struct span span = {
        .trace_id = trace->context.trace_id,
        .id = own->id,
        .parent_id = trace->context.span_id,
        .name = slice_from(call_method_name(flight->method)),
        .state = slice_make(trace->state, trace->state_len),
        .kind = SPAN_SIDE_CLIENT,
        .start_us = trace->wall_us + own->start_us,
        .end_us = trace->wall_us + clock_now_us(),
    };
    bool is_sent = own->is_open && flight->transfer;
    int status = is_sent ? flight->transfer->head.status : 0;
    span_open(out, &span);
    put_request(out, flight);
    if (own->is_open)
        put_attempt(out, flight);
    put_error(out, code, status);
    if (own->is_open)
        put_phases(out, flight, trace->wall_us);
    span_close(out, code != CALL_OK || status >= 400, message ? message : "");
}

/* What was refused before it began has a span too, of no length: it is an attempt that
 * explains why there is none. */
void flight_span_close(struct flight *flight, enum call_code code, const char *message)
{
    struct flight_span *own = &flight->span;
    struct tracer *tracer = flight->fetcher->setup.tracer;
    if (!own->is_open) {
        own->start_us = clock_now_us();
        tracer_make_span_id(tracer, own->id);
    }
    struct buffer *out = tracer_begin(tracer);
    if (out) {
        write(out, flight, code, message);
        tracer_end(tracer);
    }
    memcpy(own->trace_id, flight->call->flow->trace->context.trace_id, TRACE_ID_LEN);
    own->is_open = false;
    own->sent++;
}

bool flight_span_is_in(const struct flight *flight, const struct flow *flow)
{
    const struct flight_span *span = &flight->span;
    const struct trace *trace = flow->trace;
    return span->sent > 0 && trace && trace->is_recorded &&
           memcmp(span->trace_id, trace->context.trace_id, TRACE_ID_LEN) == 0;
}

void flight_span_join(const struct flight *flight, const struct call *call,
                      char ret_id[SPAN_ID_LEN])
{
    const struct fetcher *fetcher = flight->fetcher;
    const struct trace *trace = call->flow->trace;
    ret_id[0] = '\0';
    if (!trace || !trace->is_recorded)
        return;
    tracer_make_span_id(fetcher->setup.tracer, ret_id);
    struct buffer *out = tracer_begin(fetcher->setup.tracer);
    if (!out)
        return;
    const struct span span = {
        .trace_id = trace->context.trace_id,
        .id = ret_id,
        .parent_id = trace->context.span_id,
        .name = slice_from("coalesced"),
        .state = slice_make(trace->state, trace->state_len),
        .kind = SPAN_SIDE_INTERNAL,
        .start_us = trace->wall_us + call->queued_us,
        .end_us = trace->wall_us + clock_now_us(),
    };
    span_open(out, &span);
    put_url(out, call->url, false, fetcher_config(call));
    span_put_number(out, SPAN_KEY("gatherd.item.index"), call->item_index);
    span_links(out);
    if (flight->span.sent > 0)
        span_link(out, flight->span.trace_id, flight->span.id);
    span_close(out, flight->code != CALL_OK, flight->message ? flight->message : "");
    tracer_end(fetcher->setup.tracer);
}
