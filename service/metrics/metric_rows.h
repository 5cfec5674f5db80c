/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of METRICS_TABLE as data, and where each has its slots in a shard: shared by
 * counting (metrics.c) and writing (exposition.c), nobody else's. */
#pragma once

#include "metrics/metrics.h"

#include <stddef.h>
#include <stdint.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_row {
    enum metric_kind kind;
    const char *name;  /* without "gatherd_" */
    const char *label; /* NULL: none */
    unsigned label_count;
    const char *help;
    size_t slot; /* the first; a histogram has HISTOGRAM_SLOTS per label value */
};

/* Of a histogram: how many fell into each bucket, then their sum in microseconds. */
enum { HISTOGRAM_SUM_SLOT = HISTOGRAM_BUCKETS, HISTOGRAM_SLOTS };

extern const struct metric_row metric_rows[METRIC_COUNT];

/* Upper bounds in seconds of all buckets but the last, which has none. */
extern const double histogram_bounds[HISTOGRAM_BUCKETS - 1];

uint64_t metrics_shard_read(const struct metrics_shard *shard, size_t slot);
/* The last exemplar of a bucket; false: it has none. */
bool metrics_shard_exemplar(const struct metrics_shard *shard, enum metric_id id,
                            unsigned label, size_t bucket,
                            struct exemplar *ret_exemplar) MUST_CHECK;
