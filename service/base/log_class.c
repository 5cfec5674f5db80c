/* SPDX-License-Identifier: Apache-2.0 */
/* A rate with a count of what it refused. Called by log.c. */
#include "base/log_class.h"

void log_class_init(struct log_class *class, uint64_t per_second, uint64_t burst)
{
    rate_init(&class->rate, per_second, burst);
    atomic_init(&class->held, 0);
}

bool log_class_take(struct log_class *class, uint64_t now_us, uint64_t *ret_held)
{
    uint64_t wait_ns;
    if (!rate_take(&class->rate, now_us, 1, &wait_ns)) {
        atomic_fetch_add_explicit(&class->held, 1, memory_order_relaxed);
        return false;
    }
    *ret_held = atomic_exchange_explicit(&class->held, 0, memory_order_relaxed);
    return true;
}
