/* SPDX-License-Identifier: Apache-2.0 */
/* top/top_order.h: each key's order, and the other way round. */
#include "top/top_order.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static struct live_view view;
static struct live_change change;
static size_t places[LIVE_VIEW_ORIGINS];

static void add(const char *name, uint64_t running, double calls, double failed,
                double mean_ms)
{
    struct live_origin *origin = &view.origins[view.origin_count];
    snprintf(origin->name, sizeof origin->name, "%s", name);
    origin->in_flight = running;
    change.origins[view.origin_count++] = (struct live_origin_change){
        .calls_per_s = calls, .failed_share = failed, .mean_ms = mean_ms};
}

static void start(void)
{
    view.origin_count = 0;
    add("b", 1, 30, 0.0, 5);
    add("a", 1, 40, 0.5, 9);
    add("c", 2, 10, 0.0, 7);
}

TestSuite(top_order, .init = start);

/* The names in their order. */
static char *order(enum top_sort sort, bool is_reversed)
{
    static char names[8];
    top_order(&view, &change, sort, is_reversed, places);
    for (size_t i = 0; i < view.origin_count; i++)
        names[i] = view.origins[places[i]].name[0];
    names[view.origin_count] = '\0';
    return names;
}

Test(top_order, each_has_its_order)
{
    cr_assert(eq(str, order(TOP_SORT_BUSY, false), "cab"));
    cr_assert(eq(str, order(TOP_SORT_CALLS, false), "abc"));
    cr_assert(eq(str, order(TOP_SORT_FAILED, false), "abc"));
    cr_assert(eq(str, order(TOP_SORT_MEAN, false), "acb"));
    cr_assert(eq(str, order(TOP_SORT_NAME, false), "abc"));
}

Test(top_order, and_its_reverse)
{
    cr_assert(eq(str, order(TOP_SORT_BUSY, true), "bac"));
    cr_assert(eq(str, order(TOP_SORT_NAME, true), "cba"));
}

Test(top_order, equal_ones_stay_in_place)
{
    view.origin_count = 0;
    for (int i = 0; i < 5; i++)
        add((const char *[]){"e", "d", "c", "b", "a"}[i], 1, 1, 0, 0);
    cr_assert(eq(str, order(TOP_SORT_BUSY, false), "edcba"));
    cr_assert(eq(str, order(TOP_SORT_BUSY, true), "edcba"));
}

Test(top_order, keys_are_the_first_letters)
{
    enum top_sort sort = TOP_SORT_NAME;
    cr_assert(top_sort_of_key('b', &sort) && sort == TOP_SORT_BUSY);
    cr_assert(top_sort_of_key('f', &sort) && sort == TOP_SORT_FAILED);
    cr_assert(not(top_sort_of_key('x', &sort)));
    cr_assert(sort == TOP_SORT_FAILED);
    cr_assert(eq(str, (char *)top_sort_name(TOP_SORT_MEAN), "mean"));
}
