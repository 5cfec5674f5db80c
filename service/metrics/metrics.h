/* SPDX-License-Identifier: Apache-2.0 */
/* Counting: a shard per worker with one writer, summed at the scrape. Adding is a relaxed
 * load and store: no locked instruction on the hot path. */
#pragma once

#include "base/buffer.h"
#include "metrics/exemplar.h"
#include "metrics/metrics_table.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum batch_result {
    BATCH_COMPLETE,
    BATCH_PARTIAL,
    BATCH_GONE,
    BATCH_REFUSED,
    BATCH_RESULT_COUNT,
};
enum { ITEM_CODE_COUNT = 27 };   /* CALL_CODE_COUNT; fetch/call_code.c asserts it */
enum { STATUS_CLASS_COUNT = 4 }; /* 2xx 3xx 4xx 5xx */
enum refusal_reason { REFUSED_BY_LIMIT, REFUSED_BY_ADDRESS, REFUSAL_REASON_COUNT };
enum auth_refusal { AUTH_REFUSED_KEY, AUTH_REFUSED_HELD_BACK, AUTH_REFUSAL_COUNT };
enum dns_result { DNS_ANSWERED, DNS_FAILED, DNS_CACHED, DNS_RESULT_COUNT };
/* Why an item is not fetched: the rows of the egress policy (fetch/guard.c). */
enum egress_reason {
    EGRESS_DENIED_HOST,
    EGRESS_DENIED_ADDRESS,
    EGRESS_NO_HTTP, /* a scheme that is neither http nor https */
    EGRESS_SCHEME,
    EGRESS_PORT,
    EGRESS_PRIVATE,
    EGRESS_METADATA,
    EGRESS_OWN,
    EGRESS_ZONE,
    EGRESS_FAMILY,
    EGRESS_INSECURE_REDIRECT,
    EGRESS_OTHER,
    EGRESS_REASON_COUNT,
};
/* Which limit of a caller refused a batch. */
enum caller_limit { CALLER_LIMIT_RATE, CALLER_LIMIT_ITEMS, CALLER_LIMIT_COUNT };
enum reload_result { RELOAD_DONE, RELOAD_REFUSED, RELOAD_RESULT_COUNT };
enum stream_form { STREAM_FORM_NDJSON, STREAM_FORM_EVENTS, STREAM_FORM_COUNT };
/* What became of a wish to try again, and of one for a hedge. */
enum retry_result { RETRY_SENT, RETRY_OVER_BUDGET, RETRY_TOO_LATE, RETRY_RESULT_COUNT };
enum hedge_result { HEDGE_WON, HEDGE_LOST, HEDGE_OVER_BUDGET, HEDGE_RESULT_COUNT };
/* Why a span was never exported. */
enum span_loss {
    SPANS_LOST_QUEUE_FULL,
    SPANS_LOST_TOO_LARGE,
    SPANS_LOST_REJECTED,    /* the collector does not want it */
    SPANS_LOST_UNAVAILABLE, /* … could not be reached, or had no room, for too long */
    SPANS_LOST_SHUTDOWN,
    SPAN_LOSS_COUNT,
};
enum phase_label {
    PHASE_LABEL_BLOCKED,
    PHASE_LABEL_DNS,
    PHASE_LABEL_CONNECT,
    PHASE_LABEL_SSL,
    PHASE_LABEL_SEND,
    PHASE_LABEL_WAIT,
    PHASE_LABEL_RECEIVE,
    PHASE_LABEL_TOTAL,
    PHASE_LABEL_COUNT,
};

enum { HISTOGRAM_BUCKETS = 16 }; /* 0.0005 s … 60 s; the last is +Inf */

#define METRIC_ID(id, ...) METRIC_##id,
enum metric_id { METRICS_TABLE(METRIC_ID, METRIC_ID, METRIC_ID) METRIC_COUNT };
#undef METRIC_ID

struct metrics_shard;

struct metrics_shard *metrics_shard_new(void);
void metrics_shard_free(struct metrics_shard *shard);

/* Called by the shard's one writer. `label` is 0 for metrics without one. Gauges fall by
 * an amount of (uint64_t)-1: sums wrap around, of one shard and of all. metrics_observe
 * ignores negative values: phases that did not happen. */
void metrics_add(struct metrics_shard *shard, enum metric_id id, unsigned label,
                 uint64_t amount);
void metrics_set(struct metrics_shard *shard, enum metric_id id, uint64_t value);
void metrics_observe(struct metrics_shard *shard, enum metric_id id, unsigned label,
                     double seconds);

/* metrics_observe_traced is metrics_observe for something that happened in a trace that
 * is recorded; `exemplar` says where, its `us` is set here. The page shows it (in
 * OpenMetrics) for BATCH_SECONDS, and PHASE_SECONDS of the whole. */
void metrics_observe_traced(struct metrics_shard *shard, enum metric_id id,
                            unsigned label, double seconds,
                            const struct exemplar *exemplar);

/* metrics_write_figure appends one metric without labels; `type` is "gauge" or "counter".
 */
void metrics_write_figure(struct buffer *out, const char *name, const char *type,
                          const char *help, double value);

/* metrics_write_open is metrics_write in OpenMetrics 1.0, with exemplars. Gauges may
 * follow by metrics_write_figure, then metrics_end_open. */
void metrics_write_open(struct buffer *out, struct metrics_shard *const *shards,
                        size_t count, const char *(*code_name)(unsigned code));
void metrics_end_open(struct buffer *out);

/* metrics_write appends the Prometheus text format 0.0.4 of the sum of `count` shards
 * (loop lag per worker, with label worker="N", the index in `shards`), then the process
 * figures: CPU seconds, memory, descriptors open and allowed, start time, threads, and
 * build info with the version. Any thread. `code_name` gives the name of an item code
 * (the fetch layer's table); constant text of [a-z_]. */
void metrics_write(struct buffer *out, struct metrics_shard *const *shards, size_t count,
                   const char *(*code_name)(unsigned code));
