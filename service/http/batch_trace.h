/* SPDX-License-Identifier: Apache-2.0 */
/* The trace a batch belongs to: that of its client's traceparent, or, where traces are
 * recorded, a new one. */
#pragma once

#include "http/batch_log.h"
#include "http/exchange.h"
#include "trace/trace.h"

/* batch_trace_new, while the exchange's request is there; freed by free(). NULL: there is
 * none. */
struct trace *batch_trace_new(const struct exchange *exchange) MUST_CHECK;

/* batch_trace_end writes the span of the batch, if its trace is recorded; before the
 * exchange is answered, and `trace` freed with its gather. An entry with status 0 had no
 * reply. */
void batch_trace_end(const struct exchange *exchange, const struct trace *trace,
                     const struct batch_log_entry *entry);
