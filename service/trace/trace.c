/* SPDX-License-Identifier: Apache-2.0 */
/* Called by http/ and, for copies, by fetch/. */
#include "trace/trace.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

struct trace *trace_new(struct slice state)
{
    assert(state.len <= TRACESTATE_MAX);
    struct trace *trace = memory_new(sizeof *trace + state.len);
    if (state.len > 0)
        memcpy(trace->state, state.data, state.len);
    trace->state_len = state.len;
    return trace;
}

static_assert((int)EXEMPLAR_TRACE_LEN == (int)TRACE_ID_LEN &&
                  (int)EXEMPLAR_SPAN_LEN == (int)SPAN_ID_LEN,
              "an exemplar's ids are a trace's");

void trace_exemplar(const struct trace *trace, const char *span_id, uint64_t now_us,
                    struct exemplar *ret_exemplar)
{
    *ret_exemplar = (struct exemplar){.at_ms = (trace->wall_us + now_us) / 1000};
    memcpy(ret_exemplar->trace_id, trace->context.trace_id, TRACE_ID_LEN);
    memcpy(ret_exemplar->span_id, span_id, SPAN_ID_LEN);
}

size_t trace_size(const struct trace *trace)
{
    const size_t step = _Alignof(max_align_t);
    return (sizeof *trace + trace->state_len + step - 1) / step * step;
}

struct trace *trace_copy(const struct trace *trace, void *room)
{
    memcpy(room, trace, sizeof *trace + trace->state_len);
    return room;
}
