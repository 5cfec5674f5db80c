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
