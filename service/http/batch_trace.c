/* SPDX-License-Identifier: Apache-2.0 */
/* Most requests have no traceparent, and of those nothing is looked for here. Called by
 * the handlers of batches. */
#include "http/batch_trace.h"

#include "base/clock.h"
#include "trace/span.h"
#include "trace/tracer.h"

#include <stdio.h>
#include <string.h>

enum {
    STATE_LINES_MAX = 8, /* more than that is no list anybody wrote */
    NAME_SIZE = 64,      /* of a method and one of our routes */
};

static struct slice join_state(const struct exchange *exchange, char text[TRACESTATE_MAX])
{
    struct slice lines[STATE_LINES_MAX];
    size_t count = exchange_header_lines(exchange, "tracestate", lines, STATE_LINES_MAX);
    if (count == 0 || count > STATE_LINES_MAX)
        return slice_from("");
    return slice_make(text, trace_state_join(lines, count, text));
}

/* Two lines are as bad as one that does not parse (2.2.2 of Trace Context). */
static bool read_parent(const struct exchange *exchange, struct trace_context *ret_parent)
{
    struct slice line;
    return exchange_has_trace(exchange) &&
           exchange_header_lines(exchange, "traceparent", &line, 1) == 1 &&
           trace_context_parse(line, ret_parent);
}

/* In whose trace the batch is, and whether that is recorded: as its client says, or else
 * by chance (OpenTelemetry's parentbased_traceidratio). */
static void begin_span(struct trace *trace, struct tracer *tracer,
                       const struct config *config)
{
    struct trace_context *context = &trace->context;
    if (trace->has_parent) {
        memcpy(trace->parent_id, context->span_id, SPAN_ID_LEN);
    } else {
        tracer_make_trace_id(tracer, context->trace_id);
        context->is_sampled =
            trace_is_sampled(context->trace_id, config->tracing.sample_ratio);
    }
    tracer_make_span_id(tracer, context->span_id);
    trace->is_recorded = context->is_sampled;
    trace->wall_us = clock_wall_us() - clock_now_us();
}

struct trace *batch_trace_new(const struct exchange *exchange)
{
    const struct front_setup *setup = exchange_setup(exchange);
    const struct config *config = exchange_config(exchange);
    bool propagates = config->tracing.propagate;
    char state[TRACESTATE_MAX];
    struct trace_context parent = {.is_sampled = false};
    if (!setup->tracer && !(propagates && exchange_has_trace(exchange)))
        return NULL;
    bool has_parent = read_parent(exchange, &parent);
    if (!setup->tracer && !has_parent)
        return NULL;
    struct trace *trace =
        trace_new(has_parent ? join_state(exchange, state) : slice_from(""));
    trace->context = parent;
    trace->has_parent = has_parent;
    trace->is_passed_on = propagates;
    if (setup->tracer)
        begin_span(trace, setup->tracer, config);
    return trace;
}

/* ------------------------------------------------------------------------- the span */

static void put_request(struct buffer *out, const struct exchange *exchange)
{
    char client[EXCHANGE_ADDRESS_SIZE];
    const struct caller *caller = exchange_caller(exchange);
    exchange_client_address(exchange, client);
    span_put(out, SPAN_KEY("http.request.method"), slice_from(exchange_method(exchange)));
    span_put(out, SPAN_KEY("http.route"), exchange_path(exchange));
    span_put(out, SPAN_KEY("url.path"), exchange_path(exchange));
    span_put(out, SPAN_KEY("url.scheme"),
             slice_from(exchange_is_tls(exchange) ? "https" : "http"));
    span_put(out, SPAN_KEY("client.address"), slice_from(client));
    span_put(out, SPAN_KEY("gatherd.request_id"),
             slice_from(exchange_request_id(exchange)));
    if (*caller->name)
        span_put(out, SPAN_KEY("gatherd.caller"), slice_from(caller->name));
}

static void put_result(struct buffer *out, const struct batch_log_entry *entry)
{
    const struct gather_summary *summary = entry->summary;
    char status[8];
    snprintf(status, sizeof status, "%d", entry->status % 1000);
    if (entry->is_cut)
        span_put(out, SPAN_KEY("error.type"), slice_from("client_gone"));
    else if (entry->status >= 500)
        span_put(out, SPAN_KEY("error.type"), slice_from(status));
    if (entry->status > 0)
        span_put_number(out, SPAN_KEY("http.response.status_code"), entry->status);
    if (entry->form)
        span_put(out, SPAN_KEY("gatherd.stream"), slice_from(entry->form));
    span_put_number(out, SPAN_KEY("gatherd.items"), (int64_t)summary->total);
    span_put_number(out, SPAN_KEY("gatherd.items.ok"), (int64_t)summary->ok);
    span_put_number(out, SPAN_KEY("gatherd.items.failed"), (int64_t)summary->failed);
    span_put_flag(out, SPAN_KEY("gatherd.complete"), summary->is_complete);
}

void batch_trace_end(const struct exchange *exchange, const struct trace *trace,
                     const struct batch_log_entry *entry)
{
    struct tracer *tracer = exchange_setup(exchange)->tracer;
    if (!trace || !trace->is_recorded)
        return;
    struct buffer *out = tracer_begin(tracer);
    if (!out)
        return;
    char name[NAME_SIZE];
    struct slice path = exchange_path(exchange);
    snprintf(name, sizeof name, "%s %.*s", exchange_method(exchange), (int)path.len,
             path.data);
    const struct span span = {
        .trace_id = trace->context.trace_id,
        .id = trace->context.span_id,
        .parent_id = trace->has_parent ? trace->parent_id : NULL,
        .name = slice_from(name),
        .state = slice_make(trace->state, trace->state_len),
        .kind = SPAN_SIDE_SERVER,
        .start_us = trace->wall_us + exchange_arrived_us(exchange),
        .end_us = trace->wall_us + clock_now_us(),
    };
    span_open(out, &span);
    put_request(out, exchange);
    put_result(out, entry);
    span_close(out, entry->is_cut || entry->status >= 500, "");
    tracer_end(tracer);
}
