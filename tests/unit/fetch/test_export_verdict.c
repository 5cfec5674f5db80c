/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/export_verdict.h: every status, every number of tries. */
#include "fetch/export_verdict.h"

#include <criterion/criterion.h>

static struct export_verdict judge(int status, unsigned tries, uint64_t random)
{
    const struct export_facts facts = {
        .status = status, .tries = tries, .failures = tries};
    return export_judge(&facts, random);
}

Test(export_verdict, of_all_statuses_four_and_none_are_worth_another_try)
{
    for (int status = 0; status < 1000; status++) {
        enum export_action action = judge(status, 1, 0).action;
        bool is_again = status == 0 || status == 429 || status == 502 || status == 503 ||
                        status == 504;
        if (status >= 200 && status < 300)
            cr_expect_eq(action, EXPORT_TAKEN, "%d", status);
        else
            cr_expect_eq(action, is_again ? EXPORT_AGAIN : EXPORT_REJECTED, "%d", status);
    }
}

Test(export_verdict, the_fifth_try_is_the_last)
{
    for (unsigned tries = 1; tries < 8; tries++)
        cr_expect_eq(judge(503, tries, 0).action,
                     tries < EXPORT_TRIES_MAX ? EXPORT_AGAIN : EXPORT_GIVEN_UP);
}

Test(export_verdict, waits_double_up_to_a_minute_and_chance_takes_up_to_half)
{
    static const uint64_t waits_ms[] = {0,     1000,  2000,  4000, 8000,
                                        16000, 32000, 60000, 60000};
    for (unsigned failures = 1; failures < 9; failures++) {
        uint64_t most_ms = waits_ms[failures];
        cr_expect_eq(judge(0, failures, 0).wait_ms, most_ms);
        cr_expect_eq(judge(0, failures, most_ms / 2).wait_ms, most_ms - most_ms / 2);
        for (uint64_t random = 0; random < 100000; random += 77) {
            uint64_t wait_ms = judge(0, failures, random).wait_ms;
            cr_assert(wait_ms >= most_ms / 2 && wait_ms <= most_ms);
        }
    }
    cr_expect_eq(judge(0, 4000000000, 0).wait_ms, 60000);
}

Test(export_verdict, what_the_collector_asks_for_counts_up_to_a_minute)
{
    struct export_facts facts = {
        .status = 429, .has_wait = true, .tries = 1, .failures = 3};
    facts.asked_wait_ms = 1500;
    cr_expect_eq(export_judge(&facts, 99).wait_ms, 1500);
    facts.asked_wait_ms = 60001;
    cr_expect_eq(export_judge(&facts, 99).wait_ms, EXPORT_WAIT_MAX_MS);
}
