/* SPDX-License-Identifier: Apache-2.0 */
/* trace/tracer.h */
#include "trace/tracer.h"

#include "metrics/metric_rows.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct span_resource resource = {"a", "b", "c"};

static uint64_t lost(struct metrics_shard *metrics, enum span_loss why)
{
    return metrics_shard_read(metrics, metric_rows[METRIC_SPANS_DROPPED].slot + why);
}

Test(tracer, ids_are_hex_digits_and_all_different)
{
    struct metrics_shard *metrics = metrics_shard_new();
    struct tracer *tracer = tracer_new(&resource, 1 << 20, metrics);
    enum { COUNT = 2000 };
    static char ids[COUNT][SPAN_ID_LEN + 1];
    for (size_t i = 0; i < COUNT; i++) {
        char id[TRACE_ID_LEN];
        tracer_make_span_id(tracer, ids[i]);
        cr_assert_eq(strspn(ids[i], "0123456789abcdef"), SPAN_ID_LEN);
        tracer_make_trace_id(tracer, id);
        cr_assert(memcmp(id, id + SPAN_ID_LEN, SPAN_ID_LEN) != 0);
    }
    qsort(ids, COUNT, sizeof *ids, (int (*)(const void *, const void *))strcmp);
    for (size_t i = 1; i < COUNT; i++)
        cr_assert(strcmp(ids[i - 1], ids[i]) != 0);
    tracer_free(tracer);
    metrics_shard_free(metrics);
}

struct woken {
    unsigned first;
    unsigned full;
};

static void wake(void *context, bool is_full)
{
    struct woken *woken = context;
    woken->full += is_full;
    woken->first += !is_full;
}

static void record(struct tracer *tracer, size_t len)
{
    struct buffer *out = tracer_begin(tracer);
    if (!out)
        return;
    char *to = buffer_reserve(out, len);
    if (to) {
        memset(to, 'x', len);
        buffer_commit(out, len);
    }
    tracer_end(tracer);
}

Test(tracer, wakes_the_exporter_for_the_first_span_of_a_pack_and_for_the_last)
{
    struct metrics_shard *metrics = metrics_shard_new();
    struct tracer *tracer = tracer_new(&resource, 16 << 20, metrics);
    struct woken woken = {0};
    record(tracer, 1); /* nobody listens yet */
    tracer_on_spans(tracer, wake, &woken);
    for (int i = 1; i < 2 * SPAN_PACK_MAX; i++)
        record(tracer, 1);
    cr_assert_eq(woken.first, 1);
    cr_assert_eq(woken.full, 2);
    tracer_free(tracer);
    metrics_shard_free(metrics);
}

Test(tracer, counts_what_it_cannot_keep)
{
    struct metrics_shard *metrics = metrics_shard_new();
    struct tracer *tracer = tracer_new(&resource, 4096, metrics);
    record(tracer, SPAN_BYTES_MAX + 1);
    cr_assert_eq(lost(metrics, SPANS_LOST_TOO_LARGE), 1);
    record(tracer, 5000);
    record(tracer, 1);
    record(tracer, 1);
    cr_assert_eq(lost(metrics, SPANS_LOST_QUEUE_FULL), 2);
    tracer_count_lost(tracer, SPANS_LOST_REJECTED, 7);
    cr_assert_eq(lost(metrics, SPANS_LOST_REJECTED), 7);
    cr_assert(!span_queue_is_empty(tracer_queue(tracer)));
    tracer_free(tracer);
    tracer_free(NULL);
    metrics_shard_free(metrics);
}

static bool is_sampled(const char *low, uint64_t millionths)
{
    char id[TRACE_ID_LEN + 1];
    snprintf(id, sizeof id, "ffffffffffffffff%s", low);
    return trace_is_sampled(id, millionths);
}

/* The bound is 2^63 × share, for the number without its last bit. */
Test(sampling, goes_by_the_last_eight_bytes_of_the_trace_id)
{
    cr_expect(!is_sampled("0000000000000000", 0));
    cr_expect(is_sampled("ffffffffffffffff", 1000000));
    cr_expect(is_sampled("0000000000000000", 1));
    cr_expect(!is_sampled("ffffffffffffffff", 999999));
    cr_expect(is_sampled("7ffff00000000000", 500000));
    cr_expect(!is_sampled("8000000000000000", 500000));
    cr_expect(is_sampled("3ffff00000000000", 250000));
    cr_expect(!is_sampled("4000000000000000", 250000));
}

Test(sampling, a_larger_share_has_all_of_a_smaller_one)
{
    struct metrics_shard *metrics = metrics_shard_new();
    struct tracer *tracer = tracer_new(&resource, 1 << 20, metrics);
    static const uint64_t shares[] = {0, 1000, 100000, 333333, 900000, 1000000};
    enum { SHARES = 6, TRACES = 20000 };
    unsigned counts[SHARES] = {0};
    for (int i = 0; i < TRACES; i++) {
        char id[TRACE_ID_LEN];
        bool was = false;
        tracer_make_trace_id(tracer, id);
        for (size_t k = 0; k < SHARES; k++) {
            bool is = trace_is_sampled(id, shares[k]);
            cr_assert(is || !was);
            counts[k] += is;
            was = is;
        }
    }
    for (size_t k = 0; k < SHARES; k++) {
        double share = (double)shares[k] / 1e6;
        double sigma = sqrt(TRACES * share * (1 - share));
        cr_expect(fabs(counts[k] - TRACES * share) <= 6 * sigma, "%u of %g", counts[k],
                  share);
    }
    tracer_free(tracer);
    metrics_shard_free(metrics);
}
