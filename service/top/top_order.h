/* SPDX-License-Identifier: Apache-2.0 */
/* In which order origins are shown. Pure. */
#pragma once

#include "top/live_change.h"
#include "top/live_view.h"

#include <stdbool.h>
#include <stddef.h>

enum top_sort {
    TOP_SORT_BUSY, /* calls under way and waiting, then calls per second */
    TOP_SORT_CALLS,
    TOP_SORT_FAILED,
    TOP_SORT_MEAN,
    TOP_SORT_NAME,
    TOP_SORT_COUNT
};

/* top_sort_name: "busy", "calls", "failed", "mean", "name". */
const char *top_sort_name(enum top_sort sort);

/* top_sort_of_key: 'b', 'c', 'f', 'm', 'n'; false: another key. */
bool top_sort_of_key(int key, enum top_sort *ret_sort);

/* top_order writes the origins' places in their order, the first one first: the most
 * first, names from a to z; equal ones stay as the service has them. */
void top_order(const struct live_view *view, const struct live_change *change,
               enum top_sort sort, bool is_reversed,
               size_t ret_places[LIVE_VIEW_ORIGINS]);
