/* SPDX-License-Identifier: Apache-2.0 */
/* The trace a batch belongs to: that of its client's traceparent. */
#pragma once

#include "http/exchange.h"
#include "trace/trace.h"

/* batch_trace_new, while the exchange's request is there; freed by free(). NULL: there is
 * none. */
struct trace *batch_trace_new(const struct exchange *exchange) MUST_CHECK;
