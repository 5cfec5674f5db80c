/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/schedule.h, schedule_adapt and schedule_widen: slots that come by need. window.h
 * itself is tested in test_window.c. */
#include "unit/fetch/schedule_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(schedule_window, .init = setup, .fini = teardown);

Test(schedule_window, has_few_slots_at_first_and_more_while_no_call_ends)
{
    schedule_init(&schedule, 100);
    schedule_adapt(&schedule, 2);
    wait_many(0, 0, 20);
    expect_flows("00");
    cr_assert_null(next());
    cr_assert(schedule_has_narrow(&schedule));
    schedule_widen(&schedule, 999);
    cr_assert_not(schedule_has_next(&schedule));
    schedule_widen(&schedule, 1000);
    expect_flows("000000");
    cr_assert_null(next());
    schedule_widen(&schedule, 2000);
    expect_flows("000000000000");
    cr_assert_not(schedule_has_narrow(&schedule), "nobody waits");
}

Test(schedule_window, never_has_more_slots_than_it_was_given)
{
    schedule_init(&schedule, 10);
    schedule_adapt(&schedule, 4);
    wait_many(0, 0, 20);
    for (uint64_t now_us = 0; now_us < 10000; now_us += 1000) {
        schedule_widen(&schedule, now_us);
        while (next())
            cr_assert_leq(gates[0].running, 10);
    }
    cr_assert_eq(gates[0].running, 10);
    cr_assert_not(schedule_has_narrow(&schedule));
}

Test(schedule_window, may_widen_again_where_a_gate_has_shut_to_measure)
{
    schedule_init(&schedule, 100);
    schedule_adapt(&schedule, 2);
    wait_many(0, 0, 300);
    for (uint64_t now_us = 0; now_us < 10000; now_us += 1000) {
        schedule_widen(&schedule, now_us);
        while (next())
            cr_assert_leq(gates[0].running, 100);
    }
    cr_assert_eq(gates[0].running, 100);
    cr_assert_not(schedule_has_narrow(&schedule));
    schedule_release(&schedule, &gates[0], &callers[0], 0, 10000000);
    cr_assert(schedule_has_next(&schedule), "few replies in ten seconds: no measurement");
    for (int i = 0; i < 20000 && !gates[0].window.is_trying; i++) {
        uint64_t now_us = 10000000 + 100 * (uint64_t)i;
        cr_assert_not_null(schedule_next(&schedule, now_us));
        schedule_release(&schedule, &gates[0], &callers[0], now_us, now_us);
        if (schedule.waiting < 10)
            break;
    }
    cr_assert(gates[0].window.is_trying);
    cr_assert(schedule_has_narrow(&schedule));
}

Test(schedule_window, of_a_narrow_gate_tells_who_is_parked)
{
    schedule_init(&schedule, 100);
    schedule_adapt(&schedule, 2);
    wait_many(0, 0, 20);
    expect_flows("00");
    cr_assert_not_null(schedule_peek_long(&schedule, 18), "in the round, no slot");
    cr_assert_null(next());
    struct pair *pair = schedule_peek_long(&schedule, 18);
    cr_assert_not_null(pair);
    cr_assert_not_null(pair->claim);
    cr_assert_null(schedule_peek_long(&schedule, 19));
    while (!list_is_empty(&pair->calls) && schedule.waiting > 1)
        schedule_leave(&schedule,
                       container_of(list_first(&pair->calls), struct call, node), 0);
    schedule_leave(&schedule, container_of(list_first(&pair->calls), struct call, node),
                   0);
    cr_assert_not(schedule_has_narrow(&schedule));
}
