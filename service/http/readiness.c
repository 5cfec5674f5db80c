/* SPDX-License-Identifier: Apache-2.0 */
/* What /readyz and the live document say. */
#include "http/readiness.h"

enum readiness readiness_of(const struct front_setup *setup)
{
    if (atomic_load_explicit(&setup->state->is_leaving, memory_order_relaxed))
        return READINESS_DRAINING;
    if (!atomic_load_explicit(&setup->state->is_ready, memory_order_relaxed))
        return READINESS_STARTING;
    if (budget_is_nearly_full(&setup->budgets->reply_bytes) ||
        budget_is_nearly_full(&setup->budgets->request_bytes) ||
        !admission_is_open(setup->admission))
        return READINESS_OVERLOADED;
    return READINESS_READY;
}

const char *readiness_name(enum readiness readiness)
{
    static const char *const names[] = {
        [READINESS_READY] = "ready",
        [READINESS_DRAINING] = "draining",
        [READINESS_STARTING] = "starting",
        [READINESS_OVERLOADED] = "overloaded",
    };
    return names[readiness];
}
