/* SPDX-License-Identifier: Apache-2.0 */
/* What one worker needs to record spans: ids, the queue they are rendered into, and the
 * counts of those that are lost. It knows nothing of how they leave: the exporter
 * (fetch/span_export.h) is woken. One worker's thread. */
#pragma once

#include "base/attributes.h"
#include "metrics/metrics.h"
#include "trace/span.h"
#include "trace/span_queue.h"
#include "trace/trace_context.h"

#include <stdbool.h>
#include <stdint.h>

struct tracer;

/* `bytes_max`: what may wait. */
struct tracer *tracer_new(const struct span_resource *resource, size_t bytes_max,
                          struct metrics_shard *metrics);
void tracer_free(struct tracer *tracer); /* what waits is lost; NULL is fine */

/* tracer_on_spans: `wake` is called when a first span waits in a pack (is_full: false)
 * and when a pack is full; it only arms timers. */
typedef void tracer_wake_fn(void *context, bool is_full);
void tracer_on_spans(struct tracer *tracer, tracer_wake_fn *wake, void *context);

/* New ids, random, never all zero. */
void tracer_make_trace_id(struct tracer *tracer, char id[TRACE_ID_LEN]);
void tracer_make_span_id(struct tracer *tracer, char id[SPAN_ID_LEN]);

/* tracer_begin returns where span.h's functions write the next span; NULL: there is no
 * room, and the span is counted as lost. tracer_end follows, nothing else in between. */
struct buffer *tracer_begin(struct tracer *tracer) MUST_CHECK;
void tracer_end(struct tracer *tracer);

/* For the exporter. tracer_count_lost: the spans of a pack that will not be sent. */
struct span_queue *tracer_queue(struct tracer *tracer);
void tracer_count_lost(struct tracer *tracer, enum span_loss why, size_t count);

/* trace_is_sampled: does a trace that begins here belong to the `millionths` that are
 * recorded? By the last eight bytes of its id, as OpenTelemetry's TraceIdRatioBased: all
 * that have the same share decide alike. Pure. */
bool trace_is_sampled(const char trace_id[TRACE_ID_LEN], uint64_t millionths);
