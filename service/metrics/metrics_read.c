/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over shards, as exposition.c makes them, for the live document. */
#include "metrics/metrics_read.h"

#include "metrics/metric_rows.h"

#include <assert.h>

static uint64_t sum(struct metrics_shard *const *shards, size_t count, size_t slot)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += metrics_shard_read(shards[i], slot);
    return total;
}

uint64_t metrics_total(struct metrics_shard *const *shards, size_t count,
                       enum metric_id id, unsigned label)
{
    const struct metric_row *row = &metric_rows[id];
    assert(row->kind != METRIC_HISTOGRAM && label < row->label_count);
    return sum(shards, count, row->slot + label);
}

void metrics_histogram(struct metrics_shard *const *shards, size_t count,
                       enum metric_id id, unsigned label,
                       struct metrics_histogram *ret_histogram)
{
    const struct metric_row *row = &metric_rows[id];
    assert(row->kind == METRIC_HISTOGRAM && label < row->label_count);
    *ret_histogram = (struct metrics_histogram){0};
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t in_bucket =
            sum(shards, count, row->slot + label * (size_t)HISTOGRAM_SLOTS + i);
        ret_histogram->counts[i] = in_bucket;
        ret_histogram->total += in_bucket;
    }
}

double metrics_bound_ms(size_t bucket)
{
    return bucket < HISTOGRAM_BUCKETS - 1 ? histogram_bounds[bucket] * 1000 : -1;
}
