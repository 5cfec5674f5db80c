/* SPDX-License-Identifier: Apache-2.0 */
/* Figures one by one, for those who do not want the whole page. Any thread. */
#pragma once

#include "metrics/metrics.h"

#include <stddef.h>
#include <stdint.h>

/* metrics_total sums a counter or a gauge over `count` shards. */
uint64_t metrics_total(struct metrics_shard *const *shards, size_t count,
                       enum metric_id id, unsigned label);

struct metrics_histogram {
    uint64_t counts[HISTOGRAM_BUCKETS]; /* of each bucket alone */
    uint64_t total;                     /* of all */
};
void metrics_histogram(struct metrics_shard *const *shards, size_t count,
                       enum metric_id id, unsigned label,
                       struct metrics_histogram *ret_histogram);

/* metrics_bound_ms: the upper bound of a bucket; negative: the last one has none. */
double metrics_bound_ms(size_t bucket);
