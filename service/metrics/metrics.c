/* SPDX-License-Identifier: Apache-2.0 */
/* Shards: one array of numbers per worker, written by that worker only and read by
 * whoever scrapes. A relaxed load and a relaxed store suffice, since there is one writer;
 * the reader may see a histogram's count one ahead of its sum, which no consumer of
 * metrics minds.
 *
 * Allocates nothing after birth and never fails. Called all over the service. */
#include "metrics/metrics.h"

#include "base/memory.h"
#include "metrics/metric_rows.h"

#include <assert.h>
#include <stdlib.h>

/* SLOT_x: the first slot of metric x. */
#define ONE_EACH(id, name, label, values, help)                                          \
    SLOT_##id, SLOT_LAST_##id = SLOT_##id + (values) - 1,
#define MANY_EACH(id, name, label, values, help)                                         \
    SLOT_##id, SLOT_LAST_##id = SLOT_##id + (values) * HISTOGRAM_SLOTS - 1,
enum { METRICS_TABLE(ONE_EACH, ONE_EACH, MANY_EACH) SLOT_COUNT };
#undef ONE_EACH
#undef MANY_EACH

#define COUNTER_ROW(id, name, label, values, help)                                       \
    [METRIC_##id] = {METRIC_COUNTER, name, label, values, help, SLOT_##id},
#define GAUGE_ROW(id, name, label, values, help)                                         \
    [METRIC_##id] = {METRIC_GAUGE, name, label, values, help, SLOT_##id},
#define HISTOGRAM_ROW(id, name, label, values, help)                                     \
    [METRIC_##id] = {METRIC_HISTOGRAM, name, label, values, help, SLOT_##id},
const struct metric_row metric_rows[METRIC_COUNT] = {
    METRICS_TABLE(COUNTER_ROW, GAUGE_ROW, HISTOGRAM_ROW)};
#undef COUNTER_ROW
#undef GAUGE_ROW
#undef HISTOGRAM_ROW

const double histogram_bounds[HISTOGRAM_BUCKETS - 1] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60,
};

/* Of which series a bucket has an exemplar. */
enum { TRACED_BATCH, TRACED_ITEM, TRACED_SERIES };

static int traced_series(enum metric_id id, unsigned label)
{
    if (id == METRIC_BATCH_SECONDS)
        return TRACED_BATCH;
    return id == METRIC_PHASE_SECONDS && label == PHASE_LABEL_TOTAL ? TRACED_ITEM : -1;
}

struct metrics_shard {
    char before[64]; /* keeps other threads' data off the cache lines of this one's */
    atomic_uint_fast64_t slots[SLOT_COUNT];
    struct exemplar_slot exemplars[TRACED_SERIES][HISTOGRAM_BUCKETS];
    char after[64];
};

struct metrics_shard *metrics_shard_new(void)
{
    return memory_new(sizeof(struct metrics_shard));
}

void metrics_shard_free(struct metrics_shard *shard)
{
    free(shard);
}

uint64_t metrics_shard_read(const struct metrics_shard *shard, size_t slot)
{
    return atomic_load_explicit(&shard->slots[slot], memory_order_relaxed);
}

static void add(struct metrics_shard *shard, size_t slot, uint64_t amount)
{
    uint64_t before = metrics_shard_read(shard, slot);
    atomic_store_explicit(&shard->slots[slot], before + amount, memory_order_relaxed);
}

void metrics_add(struct metrics_shard *shard, enum metric_id id, unsigned label,
                 uint64_t amount)
{
    const struct metric_row *row = &metric_rows[id];
    assert(row->kind != METRIC_HISTOGRAM && label < row->label_count);
    add(shard, row->slot + label, amount);
}

void metrics_set(struct metrics_shard *shard, enum metric_id id, uint64_t value)
{
    const struct metric_row *row = &metric_rows[id];
    assert(row->kind == METRIC_GAUGE && row->label_count == 1);
    atomic_store_explicit(&shard->slots[row->slot], value, memory_order_relaxed);
}

static size_t bucket_of(double seconds)
{
    size_t bucket = 0;
    while (bucket < HISTOGRAM_BUCKETS - 1 && seconds > histogram_bounds[bucket])
        bucket++;
    return bucket;
}

static uint64_t us_of(double seconds)
{
    return (uint64_t)(seconds * 1e6 + 0.5);
}

static void observe(struct metrics_shard *shard, enum metric_id id, unsigned label,
                    size_t bucket, uint64_t us)
{
    const struct metric_row *row = &metric_rows[id];
    assert(row->kind == METRIC_HISTOGRAM && label < row->label_count);
    size_t first = row->slot + label * (size_t)HISTOGRAM_SLOTS;
    add(shard, first + bucket, 1);
    add(shard, first + HISTOGRAM_SUM_SLOT, us);
}

/* A phase that did not happen is -1. */
void metrics_observe(struct metrics_shard *shard, enum metric_id id, unsigned label,
                     double seconds)
{
    if (seconds >= 0)
        observe(shard, id, label, bucket_of(seconds), us_of(seconds));
}

void metrics_observe_traced(struct metrics_shard *shard, enum metric_id id,
                            unsigned label, double seconds,
                            const struct exemplar *exemplar)
{
    if (!(seconds >= 0))
        return;
    size_t bucket = bucket_of(seconds);
    uint64_t us = us_of(seconds);
    int series = traced_series(id, label);
    observe(shard, id, label, bucket, us);
    if (series < 0)
        return;
    struct exemplar own = *exemplar;
    own.us = us;
    exemplar_put(&shard->exemplars[series][bucket], &own);
}

bool metrics_shard_exemplar(const struct metrics_shard *shard, enum metric_id id,
                            unsigned label, size_t bucket, struct exemplar *ret_exemplar)
{
    int series = traced_series(id, label);
    return series >= 0 && exemplar_get(&shard->exemplars[series][bucket], ret_exemplar);
}
