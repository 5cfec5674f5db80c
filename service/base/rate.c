/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of a token bucket kept as a time, and its compare-and-swap. Reads no
 * clock. Used for what API keys may ask for, and for lines of the log. */
#include "base/rate.h"

#include <assert.h>

enum { NS_OF_US = 1000 };
static const uint64_t second_ns = 1000000000;

void rate_init(struct rate *rate, uint64_t per_second, uint64_t burst)
{
    atomic_init(&rate->full_ns, 0);
    rate_change(rate, per_second, burst);
}

/* Relaxed, and not both at once: for a moment a batch may be held against the old burst
 * and the new pace. */
static uint64_t read_relaxed(const atomic_uint_fast64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

void rate_change(struct rate *rate, uint64_t per_second, uint64_t burst)
{
    assert(per_second <= second_ns / NS_OF_US && burst > 0);
    uint64_t item_ns = per_second ? second_ns / per_second : 0;
    atomic_store_explicit(&rate->item_ns, item_ns, memory_order_relaxed);
    atomic_store_explicit(&rate->burst_ns, burst * item_ns, memory_order_relaxed);
}

struct rate_step rate_decide(const struct rate *rate, uint64_t full_ns, uint64_t now_ns,
                             uint64_t count)
{
    uint64_t from_ns = full_ns > now_ns ? full_ns : now_ns;
    uint64_t next_ns = from_ns + count * read_relaxed(&rate->item_ns);
    uint64_t latest_ns = now_ns + read_relaxed(&rate->burst_ns);
    if (next_ns <= latest_ns)
        return (struct rate_step){.is_taken = true, .full_ns = next_ns};
    return (struct rate_step){.full_ns = full_ns, .wait_ns = next_ns - latest_ns};
}

bool rate_take(struct rate *rate, uint64_t now_us, uint64_t count, uint64_t *ret_wait_ns)
{
    *ret_wait_ns = 0;
    if (read_relaxed(&rate->item_ns) == 0)
        return true;
    /* Relaxed: it guards an amount and orders nothing. */
    uint64_t full_ns = atomic_load_explicit(&rate->full_ns, memory_order_relaxed);
    struct rate_step step;
    do {
        step = rate_decide(rate, full_ns, now_us * NS_OF_US, count);
    } while (step.is_taken && !atomic_compare_exchange_weak_explicit(
                                  &rate->full_ns, &full_ns, step.full_ns,
                                  memory_order_relaxed, memory_order_relaxed));
    *ret_wait_ns = step.wait_ns;
    return step.is_taken;
}

void rate_charge(struct rate *rate, uint64_t now_us, uint64_t count)
{
    if (read_relaxed(&rate->item_ns) == 0)
        return;
    uint64_t now_ns = now_us * NS_OF_US;
    uint64_t full_ns = atomic_load_explicit(&rate->full_ns, memory_order_relaxed);
    uint64_t next_ns;
    do {
        next_ns =
            (full_ns > now_ns ? full_ns : now_ns) + count * read_relaxed(&rate->item_ns);
    } while (!atomic_compare_exchange_weak_explicit(
        &rate->full_ns, &full_ns, next_ns, memory_order_relaxed, memory_order_relaxed));
}

bool rate_has_one(const struct rate *rate, uint64_t now_us, uint64_t *ret_wait_ns)
{
    uint64_t full_ns = atomic_load_explicit(&rate->full_ns, memory_order_relaxed);
    struct rate_step step = rate_decide(rate, full_ns, now_us * NS_OF_US, 1);
    *ret_wait_ns = step.wait_ns;
    return read_relaxed(&rate->item_ns) == 0 || step.is_taken;
}

uint64_t rate_wait_s(uint64_t wait_ns)
{
    uint64_t wait_s = (wait_ns + second_ns - 1) / second_ns;
    return wait_s > 0 ? wait_s : 1;
}
