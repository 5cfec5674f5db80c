/* SPDX-License-Identifier: Apache-2.0 */
/* A rate that holds for the whole process: so many a second on average, and a burst at
 * once. GCRA (ITU-T I.371), the token bucket as one number: the time at which the bucket
 * would be full again. Shared by all threads; one compare-and-swap, no lock. */
#pragma once

#include "base/attributes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rate {
    /* Between two items; 0: no limit. How far ahead of the clock `full_ns` may be. */
    atomic_uint_fast64_t item_ns;
    atomic_uint_fast64_t burst_ns;
    atomic_uint_fast64_t full_ns;
};

/* rate_init: `per_second` up to 1,000,000 (0: no limit), `burst` at least 1, both so that
 * burst / per_second is below a year. */
void rate_init(struct rate *rate, uint64_t per_second, uint64_t burst);

/* rate_change: from now on it is this rate; what was taken stays taken. While other
 * threads take. */
void rate_change(struct rate *rate, uint64_t per_second, uint64_t burst);

/* rate_take takes `count` if the bucket holds so many; else takes nothing and tells in
 * how many nanoseconds it will. A count over the burst never passes. Any thread. */
bool rate_take(struct rate *rate, uint64_t now_us, uint64_t count, uint64_t *ret_wait_ns);
/* rate_charge takes `count` even if the bucket has not so many: for what cannot be
 * refused any more. The next rate_take waits the longer. */
void rate_charge(struct rate *rate, uint64_t now_us, uint64_t count);
/* rate_has_one: would rate_take of 1 pass? Takes nothing. */
bool rate_has_one(const struct rate *rate, uint64_t now_us, uint64_t *ret_wait_ns);

/* rate_wait_s: a wait in whole seconds, rounded up, at least 1: a Retry-After. */
uint64_t rate_wait_s(uint64_t wait_ns);

/* The step without clock and atomic: what `full_ns` becomes when `count` are taken. */
struct rate_step {
    bool is_taken;
    uint64_t full_ns; /* unchanged when nothing was taken */
    uint64_t wait_ns; /* until it would pass; 0 when taken */
};
struct rate_step rate_decide(const struct rate *rate, uint64_t full_ns, uint64_t now_ns,
                             uint64_t count);
