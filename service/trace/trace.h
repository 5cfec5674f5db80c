/* SPDX-License-Identifier: Apache-2.0 */
/* The trace a batch belongs to, as its calls see it: what they pass on to upstreams, and
 * whether what they do is recorded. Made once a batch, never changed thereafter; read by
 * the worker that runs its calls (a copy, where it is another one). */
#pragma once

#include "base/attributes.h"
#include "metrics/exemplar.h"
#include "trace/trace_context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace {
    struct trace_context context; /* span_id: the batch's span, or, where nothing is
                                     recorded, that of its client */
    bool is_passed_on;            /* requests carry it */
    bool is_recorded;             /* each attempt has a span of its own */
    bool has_parent;
    char parent_id[SPAN_ID_LEN]; /* of the batch's span: its client's */
    uint64_t wall_us;            /* since 1970, when clock_now_us was 0 */
    size_t state_len;
    char state[]; /* the tracestate to pass on; no NUL */
};

/* trace_new copies `state` (trace_state_join); freed by free(). The rest is zero. */
struct trace *trace_new(struct slice state);

/* trace_exemplar: `span_id` of this trace, at `now_us` of clock_now_us. */
void trace_exemplar(const struct trace *trace, const char *span_id, uint64_t now_us,
                    struct exemplar *ret_exemplar);

/* trace_size: of a copy, a multiple of what any struct needs to be aligned; trace_copy
 * makes one in `room`. */
size_t trace_size(const struct trace *trace);
struct trace *trace_copy(const struct trace *trace, void *room);
