/* SPDX-License-Identifier: Apache-2.0 */
/* Called by span_export.c. */
#include "fetch/export_verdict.h"

static bool is_worth_another_try(int status)
{
    return status == 0 || status == 429 || status == 502 || status == 503 ||
           status == 504;
}

static uint64_t wait_ms(const struct export_facts *facts, uint64_t random)
{
    uint64_t ms = EXPORT_WAIT_FIRST_MS;
    if (facts->has_wait)
        return facts->asked_wait_ms < EXPORT_WAIT_MAX_MS ? facts->asked_wait_ms
                                                         : EXPORT_WAIT_MAX_MS;
    for (unsigned i = 1; i < facts->failures && ms < EXPORT_WAIT_MAX_MS; i++)
        ms *= 2;
    if (ms > EXPORT_WAIT_MAX_MS)
        ms = EXPORT_WAIT_MAX_MS;
    return ms - random % (ms / 2 + 1);
}

struct export_verdict export_judge(const struct export_facts *facts, uint64_t random)
{
    if (facts->status >= 200 && facts->status < 300)
        return (struct export_verdict){.action = EXPORT_TAKEN};
    if (!is_worth_another_try(facts->status))
        return (struct export_verdict){.action = EXPORT_REJECTED};
    return (struct export_verdict){
        .action = facts->tries < EXPORT_TRIES_MAX ? EXPORT_AGAIN : EXPORT_GIVEN_UP,
        .wait_ms = wait_ms(facts, random),
    };
}
