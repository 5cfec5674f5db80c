/* SPDX-License-Identifier: Apache-2.0 */
/* Most requests have no traceparent, and of those nothing is looked for here. Called by
 * the handler of batches. */
#include "http/batch_trace.h"

enum { STATE_LINES_MAX = 8 }; /* more than that is no list anybody wrote */

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

struct trace *batch_trace_new(const struct exchange *exchange)
{
    const struct config *config = exchange_setup(exchange)->config;
    char state[TRACESTATE_MAX];
    struct trace_context parent;
    if (!config->tracing.propagate || !read_parent(exchange, &parent))
        return NULL;
    struct trace *trace = trace_new(join_state(exchange, state));
    trace->context = parent;
    trace->is_passed_on = true;
    return trace;
}
