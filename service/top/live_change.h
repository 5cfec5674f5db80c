/* SPDX-License-Identifier: Apache-2.0 */
/* What happened between two documents: rates, percentiles, shares. Pure. */
#pragma once

#include "top/live_view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of what fell into the window's buckets, straight lines drawn inside them. */
struct live_quantile {
    bool is_known; /* something fell into them */
    bool is_over;  /* it is more than `ms`, the last bound */
    double ms;
};

enum { LIVE_P50, LIVE_P90, LIVE_P99, LIVE_QUANTILES };

struct live_origin_change {
    bool is_known; /* it was in both */
    double calls_per_s;
    double failed_share; /* of the window's calls, 0–1; 0 without any */
    double mean_ms;      /* of the window's calls; of all ever without any; 0: of none */
};

struct live_change {
    bool is_known; /* else there is no earlier document of the same process */
    double seconds;
    double batches_per_s;
    double refused_per_s; /* batches */
    double items_per_s;
    double codes_per_s[LIVE_VIEW_CODES]; /* by their place in `now` */
    struct live_quantile batch_ms[LIVE_QUANTILES];
    struct live_quantile item_ms[LIVE_QUANTILES];
    double cpus;                           /* busy, on average */
    double worker_busy[LIVE_VIEW_WORKERS]; /* share of the window, 0–1 */
    struct live_origin_change origins[LIVE_VIEW_ORIGINS];
};

/* live_change_make compares; `before` NULL: there is none yet. */
void live_change_make(const struct live_view *before, const struct live_view *now,
                      struct live_change *ret_change);

/* live_quantile_of: `share` (0–1) of what came into the histogram since `before` (NULL:
 * ever) took no longer. */
struct live_quantile live_quantile_of(const struct live_histogram *before,
                                      const struct live_histogram *now, double share);
