/* SPDX-License-Identifier: Apache-2.0 */
/* The process-wide budgets: the only data that workers share besides the configuration
 * and the metrics. Each is a number of things held and its ceiling; relaxed atomics,
 * because a budget guards an amount and orders nothing. */
#pragma once

#include "fetch/retry_budget.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
    atomic_uint_fast64_t held;
    atomic_uint_fast64_t max; /* changed by a reload */
};

struct budgets {
    struct budget in_flight;     /* calls dispatched */
    struct budget sockets;       /* upstream sockets open, idle ones included */
    struct budget reply_bytes;   /* bytes of replies held */
    struct budget request_bytes; /* of request bodies, and of what was parsed from them */
    struct retry_budget retries; /* attempts beyond the first, and requests */
};

static inline uint64_t budget_max(const struct budget *budget)
{
    return atomic_load_explicit(&budget->max, memory_order_relaxed);
}

/* budget_set_max: what is held above the new ceiling stays. Any thread. */
static inline void budget_set_max(struct budget *budget, uint64_t max)
{
    atomic_store_explicit(&budget->max, max, memory_order_relaxed);
}

/* budget_take takes `amount` if it still fits, else takes nothing and returns false. */
static inline bool budget_take(struct budget *budget, uint64_t amount)
{
    uint64_t before =
        atomic_fetch_add_explicit(&budget->held, amount, memory_order_relaxed);
    if (before + amount <= budget_max(budget))
        return true;
    atomic_fetch_sub_explicit(&budget->held, amount, memory_order_relaxed);
    return false;
}

/* budget_has_room: would `amount` fit now? */
static inline bool budget_has_room(const struct budget *budget, uint64_t amount)
{
    uint64_t held = atomic_load_explicit(&budget->held, memory_order_relaxed);
    uint64_t max = budget_max(budget);
    return amount <= max && held <= max - amount;
}

/* budget_force takes `amount` even past the ceiling: for what has happened already. */
static inline void budget_force(struct budget *budget, uint64_t amount)
{
    atomic_fetch_add_explicit(&budget->held, amount, memory_order_relaxed);
}

static inline void budget_give(struct budget *budget, uint64_t amount)
{
    atomic_fetch_sub_explicit(&budget->held, amount, memory_order_relaxed);
}

static inline uint64_t budget_held(const struct budget *budget)
{
    return atomic_load_explicit(&budget->held, memory_order_relaxed);
}

/* budget_is_nearly_full: seven eighths are held. New work is refused from here on, so
 * that what was accepted has room to end. */
static inline bool budget_is_nearly_full(const struct budget *budget)
{
    uint64_t max = budget_max(budget);
    return budget_held(budget) >= max - max / 8;
}
