/* SPDX-License-Identifier: Apache-2.0 */
/* Differences of counters over the time between; a counter that fell was begun anew (an
 * origin that had been forgotten) and counts as 0. Called by top.c for each document. */
#include "top/live_change.h"

#include <string.h>

static const double shares[LIVE_QUANTILES] = {
    [LIVE_P50] = 0.5, [LIVE_P90] = 0.9, [LIVE_P99] = 0.99};

static uint64_t grown(uint64_t before, uint64_t now)
{
    return now > before ? now - before : 0;
}

static double rate(uint64_t before, uint64_t now, double seconds)
{
    return (double)grown(before, now) / seconds;
}

static double limited(double share)
{
    return share > 1 ? 1 : share;
}

struct live_quantile live_quantile_of(const struct live_histogram *before,
                                      const struct live_histogram *now, double share)
{
    uint64_t counts[LIVE_VIEW_BUCKETS];
    uint64_t total = 0;
    for (size_t i = 0; i < now->count; i++) {
        counts[i] =
            grown(before && i < before->count ? before->counts[i] : 0, now->counts[i]);
        total += counts[i];
    }
    double wanted = share * (double)total;
    double low_ms = 0, below = 0;
    for (size_t i = 0; total > 0 && i < now->count; i++) {
        double high_ms = now->bounds_ms[i];
        if (counts[i] > 0 && below + (double)counts[i] >= wanted) {
            double part = (wanted - below) / (double)counts[i];
            bool is_over = high_ms < 0;
            return (struct live_quantile){
                .is_known = true,
                .is_over = is_over,
                .ms = is_over ? low_ms : low_ms + part * (high_ms - low_ms)};
        }
        below += (double)counts[i];
        low_ms = high_ms;
    }
    return (struct live_quantile){.is_known = false};
}

static uint64_t code_before(const struct live_view *before, const char *name)
{
    for (size_t i = 0; i < before->code_count; i++) {
        if (strcmp(before->codes[i].name, name) == 0)
            return before->codes[i].count;
    }
    return 0;
}

static const struct live_origin *origin_before(const struct live_view *before,
                                               const char *name)
{
    for (size_t i = 0; i < before->origin_count; i++) {
        if (strcmp(before->origins[i].name, name) == 0)
            return &before->origins[i];
    }
    return NULL;
}

static struct live_origin_change change_origin(const struct live_origin *before,
                                               const struct live_origin *now,
                                               double seconds)
{
    uint64_t calls = grown(before->total, now->total);
    struct live_origin_change change = {
        .is_known = true,
        .calls_per_s = (double)calls / seconds,
        .mean_ms = now->mean_ms,
    };
    if (calls == 0)
        return change;
    double ms =
        (double)now->total * now->mean_ms - (double)before->total * before->mean_ms;
    change.failed_share =
        limited((double)grown(before->failed, now->failed) / (double)calls);
    change.mean_ms = ms > 0 ? ms / (double)calls : 0;
    return change;
}

static void change_quantiles(const struct live_histogram *before,
                             const struct live_histogram *now,
                             struct live_quantile ret_quantiles[LIVE_QUANTILES])
{
    for (size_t i = 0; i < LIVE_QUANTILES; i++)
        ret_quantiles[i] = live_quantile_of(before, now, shares[i]);
}

static void change_all(const struct live_view *before, const struct live_view *now,
                       struct live_change *change)
{
    double seconds = (double)(now->uptime_ms - before->uptime_ms) / 1000;
    change->seconds = seconds;
    change->batches_per_s = rate(before->batches.total, now->batches.total, seconds);
    change->refused_per_s = rate(before->batches.refused, now->batches.refused, seconds);
    change->items_per_s = rate(before->items.total, now->items.total, seconds);
    change->cpus = rate(before->cpu_ms, now->cpu_ms, seconds) / 1000;
    for (size_t i = 0; i < now->code_count; i++)
        change->codes_per_s[i] =
            rate(code_before(before, now->codes[i].name), now->codes[i].count, seconds);
    for (size_t i = 0; i < now->worker_count && i < before->worker_count; i++) {
        /* What a worker that is missing has done is not known: it is in a long turn. */
        if (!now->workers[i].is_missing && !before->workers[i].is_missing)
            change->worker_busy[i] = limited(
                rate(before->workers[i].busy_ms, now->workers[i].busy_ms, seconds) /
                1000);
        else if (now->workers[i].is_missing)
            change->worker_busy[i] = 1;
    }
    for (size_t i = 0; i < now->origin_count; i++) {
        static const struct live_origin none;
        const struct live_origin *earlier = origin_before(before, now->origins[i].name);
        if (!earlier && before->left_off == 0)
            earlier = &none; /* the list had all there were */
        if (earlier)
            change->origins[i] = change_origin(earlier, &now->origins[i], seconds);
    }
}

void live_change_make(const struct live_view *before, const struct live_view *now,
                      struct live_change *ret_change)
{
    memset(ret_change, 0, sizeof *ret_change);
    ret_change->is_known = before && before->started_at_ms == now->started_at_ms &&
                           now->uptime_ms > before->uptime_ms;
    for (size_t i = 0; i < now->origin_count; i++)
        ret_change->origins[i].mean_ms = now->origins[i].mean_ms;
    if (ret_change->is_known)
        change_all(before, now, ret_change);
    change_quantiles(ret_change->is_known ? &before->batch_ms : NULL, &now->batch_ms,
                     ret_change->batch_ms);
    change_quantiles(ret_change->is_known ? &before->item_ms : NULL, &now->item_ms,
                     ret_change->item_ms);
}
