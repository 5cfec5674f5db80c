/* SPDX-License-Identifier: Apache-2.0 */
/* How many attempts may be made beyond the first ones: retries and hedges together, in
 * the whole process. An upstream in trouble must not get a multiple of its load.
 *
 * An extra attempt is granted when, of the last RETRY_WINDOW_S seconds,
 *   - there were fewer of them than `percent` of the requests (20 % as in Envoy's
 *     retry_budget.budget_percent and Finagle's RetryBudget.percentCanRetry);
 *   - or, so that few requests can be retried as well, there were fewer than
 *     RETRY_FLOOR_PER_S a second (Finagle's minRetriesPerSec) and fewer than
 *     RETRY_FLOOR_AT_ONCE are at work now (Envoy's min_retry_concurrency).
 *
 * All threads share it. Requests are counted by the turn, not by the item. */
#pragma once

#include "base/attributes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    RETRY_WINDOW_S = 10, /* Finagle's ttl */
    RETRY_FLOOR_PER_S = 10,
    RETRY_FLOOR_AT_ONCE = 3,
};

struct retry_budget {
    atomic_uint_fast64_t percent; /* of the requests; 0: no extra attempt at all */

    /* Shared by all threads. A second of the window in one word, so that it is read and
     * changed as a whole: which one it is, its extra attempts, its requests. */
    atomic_uint_fast64_t seconds[RETRY_WINDOW_S];
    atomic_uint_fast64_t at_work; /* granted, not given back */
};

/* retry_budget_init before other threads see it. */
void retry_budget_init(struct retry_budget *budget, uint64_t percent);

/* retry_budget_change: another share from now on. Any thread. */
void retry_budget_change(struct retry_budget *budget, uint64_t percent);

/* retry_budget_count: `count` requests were sent for the first time. Any thread. */
void retry_budget_count(struct retry_budget *budget, uint64_t now_ms, uint64_t count);

/* retry_budget_take asks for one extra attempt; retry_budget_give says that it has ended,
 * also when it was never sent. Any thread. */
bool retry_budget_take(struct retry_budget *budget, uint64_t now_ms) MUST_CHECK;
void retry_budget_give(struct retry_budget *budget);

/* The decision without clock and atomics. */
struct retry_load {
    uint64_t requests; /* of the window */
    uint64_t extra;    /* attempts granted in it */
    uint64_t at_work;
};
bool retry_budget_allows(const struct retry_load *load, uint64_t percent);
