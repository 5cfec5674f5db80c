/* SPDX-License-Identifier: Apache-2.0 */
/* top/live_change.h: rates and percentiles of the time between two documents. */
#include "top/live_change.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static struct live_view before, now;
static struct live_change change;

static void start(void)
{
    memset(&before, 0, sizeof before);
    before.started_at_ms = 100;
    before.uptime_ms = 10000;
    now = before;
    now.uptime_ms = 12000;
}

TestSuite(live_change, .init = start);

static void make(void)
{
    live_change_make(&before, &now, &change);
}

static bool is(double value, double expected)
{
    return value > expected - 1e-9 && value < expected + 1e-9;
}

static struct live_histogram histogram(uint64_t first, uint64_t second, uint64_t last)
{
    return (struct live_histogram){
        .count = 3, .bounds_ms = {10, 20, -1}, .counts = {first, second, last}};
}

Test(live_change, counters_become_rates)
{
    now.batches.total = 10;
    now.batches.refused = 4;
    now.items.total = 100;
    now.cpu_ms = 1000;
    make();
    bool is_right = change.is_known && is(change.seconds, 2) &&
                    is(change.batches_per_s, 5) && is(change.refused_per_s, 2) &&
                    is(change.items_per_s, 50) && is(change.cpus, 0.5);
    cr_assert(is_right);
}

Test(live_change, the_first_document_and_that_of_another_process_have_no_rates)
{
    now.items.total = 100;
    now.origin_count = 1;
    now.origins[0].mean_ms = 5;
    live_change_make(NULL, &now, &change);
    cr_assert(not(change.is_known));
    cr_assert(eq(dbl, change.origins[0].mean_ms, 5));
    now.started_at_ms = 101;
    make();
    cr_assert(not(change.is_known));
    now.started_at_ms = 100;
    now.uptime_ms = before.uptime_ms;
    make();
    cr_assert(not(change.is_known));
}

Test(live_change, codes_are_found_by_their_names)
{
    before.code_count = 1;
    before.codes[0] = (struct live_code){"ok", 10};
    now.code_count = 2;
    now.codes[0] = (struct live_code){"dns", 4};
    now.codes[1] = (struct live_code){"ok", 30};
    make();
    bool is_right = is(change.codes_per_s[0], 2) && is(change.codes_per_s[1], 10);
    cr_assert(is_right);
}

Test(live_change, how_busy_a_worker_was_is_its_share_of_the_time)
{
    before.worker_count = now.worker_count = 4;
    now.workers[0].busy_ms = 500;
    now.workers[1].busy_ms = 5000; /* told a little late */
    now.workers[2].is_missing = true;
    before.workers[3].is_missing = true;
    now.workers[3].busy_ms = 100;
    make();
    bool is_right = is(change.worker_busy[0], 0.25) && is(change.worker_busy[1], 1) &&
                    is(change.worker_busy[2], 1) && is(change.worker_busy[3], 0);
    cr_assert(is_right);
}

static void set_origin(struct live_view *view, const char *name, uint64_t total,
                       uint64_t failed, double mean_ms)
{
    struct live_origin *origin = &view->origins[view->origin_count++];
    snprintf(origin->name, sizeof origin->name, "%s", name);
    origin->total = total;
    origin->failed = failed;
    origin->mean_ms = mean_ms;
}

Test(live_change, origins_are_found_by_their_names)
{
    set_origin(&before, "b", 10, 5, 4);
    set_origin(&now, "a", 2, 0, 1);
    set_origin(&now, "b", 30, 10, 8);
    make();
    const struct live_origin_change *b = &change.origins[1];
    bool is_right = b->is_known && is(b->calls_per_s, 10) && is(b->failed_share, 0.25) &&
                    is(b->mean_ms, 10);
    cr_assert(is_right, "%g %g %g", b->calls_per_s, b->failed_share, b->mean_ms);
    const struct live_origin_change *a = &change.origins[0];
    cr_assert(a->is_known && a->calls_per_s > 0); /* all there were had been listed */
    before.left_off = 1;
    make();
    cr_assert(not(change.origins[0].is_known));
}

Test(live_change, an_origin_that_was_forgotten_begins_anew)
{
    set_origin(&before, "b", 100, 50, 4);
    set_origin(&now, "b", 1, 1, 8);
    make();
    bool is_right = is(change.origins[0].calls_per_s, 0) &&
                    is(change.origins[0].failed_share, 0) &&
                    is(change.origins[0].mean_ms, 8);
    cr_assert(is_right);
}

Test(live_change, a_mean_is_never_negative)
{
    set_origin(&before, "b", 10, 0, 100);
    set_origin(&now, "b", 11, 9, 1);
    make();
    bool is_right =
        is(change.origins[0].mean_ms, 0) && is(change.origins[0].failed_share, 1);
    cr_assert(is_right);
}

Test(live_change, quantiles_are_straight_lines_inside_a_bucket)
{
    struct live_histogram old = histogram(100, 0, 0), new = histogram(110, 10, 0);
    struct live_quantile quantile = live_quantile_of(&old, &new, 0.5);
    bool is_right = quantile.is_known && !quantile.is_over && is(quantile.ms, 10);
    cr_assert(is_right);
    quantile = live_quantile_of(&old, &new, 0.25);
    cr_assert(is(quantile.ms, 5) == true);
    quantile = live_quantile_of(&old, &new, 0.9);
    cr_assert(is(quantile.ms, 18) == true);
    quantile = live_quantile_of(&old, &new, 1);
    cr_assert(is(quantile.ms, 20) == true);
}

Test(live_change, beyond_the_last_bound_a_quantile_is_more_than_that)
{
    struct live_histogram new = histogram(0, 0, 5);
    struct live_quantile quantile = live_quantile_of(NULL, &new, 0.5);
    bool is_right = quantile.is_known && quantile.is_over && is(quantile.ms, 20);
    cr_assert(is_right);
}

Test(live_change, of_nothing_there_is_no_quantile)
{
    struct live_histogram new = histogram(3, 2, 1), none = {0};
    cr_assert(not(live_quantile_of(&new, &new, 0.5).is_known));
    cr_assert(not(live_quantile_of(NULL, &none, 0.5).is_known));
    /* the earlier one had fewer buckets */
    cr_assert(live_quantile_of(&none, &new, 0.5).is_known == true);
}
