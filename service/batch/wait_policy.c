/* SPDX-License-Identifier: Apache-2.0 */
/* The table of wait_policy.h. Called by gather for every item of every batch. */
#include "batch/wait_policy.h"

static bool is_enough(const struct wait_policy *policy, const struct wait_counts *counts)
{
    switch (policy->until) {
    case WAIT_FIRST_DONE:
        return counts->done > 0;
    case WAIT_OK:
        return counts->ok >= policy->ok_needed;
    case WAIT_ALL:
        break;
    }
    return false;
}

enum wait_verdict wait_judge(const struct wait_policy *policy,
                             const struct wait_counts *counts)
{
    if (counts->done == counts->total)
        return WAIT_DONE;
    if (is_enough(policy, counts))
        return WAIT_ENOUGH;
    if (policy->fails_fast && counts->required_failed > 0)
        return WAIT_FAILED;
    return WAIT_GO_ON;
}

bool wait_is_complete(const struct wait_policy *policy, const struct wait_counts *counts)
{
    switch (policy->until) {
    case WAIT_FIRST_DONE:
        return counts->first_is_ok;
    case WAIT_OK:
        return counts->ok >= policy->ok_needed;
    case WAIT_ALL:
        break;
    }
    return counts->required_failed == 0;
}
