/* SPDX-License-Identifier: Apache-2.0 */
/* Spans on their way to the collector (tracing.otlp_endpoint): OTLP over HTTP in JSON, on
 * the worker's own loop. One request at a time, of a pack that is full or has waited for
 * a second; what may wait meanwhile is bounded by the queue, and nothing ever waits for
 * the exporter. Its connection is its own: no call of a batch finds it, nor do calls'
 * proxies, clocks and policies hold for it. One worker's thread. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/loop.h"
#include "config/config.h"
#include "fetch/resolver.h"
#include "fetch/tls_store.h"
#include "metrics/metrics.h"
#include "trace/tracer.h"

#include <stdbool.h>

struct span_export;

struct span_export_setup {
    struct loop *loop;
    const struct config *config; /* tracing.otlp_endpoint is not empty */
    struct resolver *resolver;
    const struct tls_store *tls_store;
    struct tracer *tracer;
    struct metrics_shard *metrics;
};

struct span_export *span_export_new(const struct span_export_setup *setup,
                                    struct error *err) MUST_CHECK;
/* span_export_free closes its connection; what was not sent is lost. Before the resolver
 * and the tracer go. NULL is fine. */
void span_export_free(struct span_export *export);

/* span_export_adopt: other authorities, for the next request and on; the caller's until
 * the next adoption or the end. */
void span_export_adopt(struct span_export *export, const struct tls_store *tls_store);

/* span_export_flush: send what there is, without waiting for more; what fails is not
 * tried again, and what is left after `limit_ms` is lost. For the end of the process;
 * again is a no-op. span_export_is_flushed: there is nothing left. */
void span_export_flush(struct span_export *export, uint64_t limit_ms);
bool span_export_is_flushed(const struct span_export *export);
