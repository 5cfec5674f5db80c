/* SPDX-License-Identifier: Apache-2.0 */
/* A hundred rows at most: sorted by insertion, which keeps equal ones in place. Called by
 * top_draw.c. */
#include "top/top_order.h"

#include <string.h>

static const char *const names[TOP_SORT_COUNT] = {
    [TOP_SORT_BUSY] = "busy", [TOP_SORT_CALLS] = "calls", [TOP_SORT_FAILED] = "failed",
    [TOP_SORT_MEAN] = "mean", [TOP_SORT_NAME] = "name",
};

const char *top_sort_name(enum top_sort sort)
{
    return names[sort];
}

bool top_sort_of_key(int key, enum top_sort *ret_sort)
{
    for (int i = 0; i < TOP_SORT_COUNT; i++) {
        if (names[i][0] == key) {
            *ret_sort = (enum top_sort)i;
            return true;
        }
    }
    return false;
}

struct ordering {
    const struct live_view *view;
    const struct live_change *change;
    enum top_sort sort;
};

static double value_of(const struct ordering *ordering, size_t place)
{
    const struct live_origin *origin = &ordering->view->origins[place];
    const struct live_origin_change *change = &ordering->change->origins[place];
    switch (ordering->sort) {
    case TOP_SORT_CALLS:
        return change->calls_per_s;
    case TOP_SORT_FAILED:
        return change->failed_share;
    case TOP_SORT_MEAN:
        return change->mean_ms;
    default:
        return (double)(origin->in_flight + origin->waiting);
    }
}

/* Below 0: `a` comes first. */
static double compare(const struct ordering *ordering, size_t a, size_t b)
{
    if (ordering->sort == TOP_SORT_NAME)
        return strcmp(ordering->view->origins[a].name, ordering->view->origins[b].name);
    double difference = value_of(ordering, b) - value_of(ordering, a);
    if (difference == 0)
        difference = ordering->change->origins[b].calls_per_s -
                     ordering->change->origins[a].calls_per_s;
    return difference;
}

void top_order(const struct live_view *view, const struct live_change *change,
               enum top_sort sort, bool is_reversed, size_t ret_places[LIVE_VIEW_ORIGINS])
{
    const struct ordering ordering = {.view = view, .change = change, .sort = sort};
    double sign = is_reversed ? -1 : 1;
    for (size_t i = 0; i < view->origin_count; i++) {
        size_t at = i;
        for (; at > 0 && sign * compare(&ordering, i, ret_places[at - 1]) < 0; at--)
            ret_places[at] = ret_places[at - 1];
        ret_places[at] = i;
    }
}
