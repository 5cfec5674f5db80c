/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/schedule.h: how long everything waits for its turn, and what is not counted. */
#include "unit/fetch/schedule_fixture.h"

TestSuite(schedule_delay, .init = setup, .fini = teardown);

static void wait_since(int flow, int gate, uint64_t now_us)
{
    struct call *call = &calls[call_count++];
    call->flow = &flows[flow];
    schedule_wait(&schedule, &gates[gate], call, now_us);
}

Test(schedule_delay, the_delay_is_the_time_since_the_next_one_had_its_turn)
{
    schedule_init(&schedule, 10);
    cr_expect_eq(schedule_delay(&schedule, 50).oldest_us, 0, "nothing waits");
    wait_since(0, 0, 100);
    wait_since(0, 0, 110);
    wait_since(1, 0, 120);
    cr_expect_eq(schedule_delay(&schedule, 200).oldest_us, 100);
    cr_assert_not_null(schedule_next(&schedule, 200));
    cr_expect_eq(schedule_delay(&schedule, 220).oldest_us, 100, "the other flow is next");
    cr_assert_not_null(schedule_next(&schedule, 230));
    cr_expect_eq(schedule_delay(&schedule, 230).oldest_us, 30, "it had its turn at 200");
    cr_assert_not_null(schedule_next(&schedule, 240));
    cr_expect_eq(schedule_delay(&schedule, 999).oldest_us, 0);
}

Test(schedule_delay, the_round_is_the_mean_time_from_one_turn_of_a_flow_to_its_next)
{
    schedule_init(&schedule, 1000);
    uint64_t now_us = 1000;
    for (int i = 0; i < 300; i++)
        wait_since(i % 3, 0, now_us);
    for (int i = 0; i < 250; i++, now_us += 10)
        cr_assert_not_null(schedule_next(&schedule, now_us));
    uint64_t round_us = schedule_delay(&schedule, now_us).round_us;
    cr_expect(round_us >= 27 && round_us <= 30, "three flows, 10 us each: %d",
              (int)round_us);
    for (int i = 0; i < 50; i++)
        cr_assert_not_null(schedule_next(&schedule, now_us));
    wait_since(0, 0, now_us);
    cr_expect_eq(schedule_delay(&schedule, now_us).round_us, 0, "nobody waited any more");
}

Test(schedule_delay, waiting_for_a_slot_is_not_in_the_delay)
{
    schedule_init(&schedule, 1);
    wait_since(0, 0, 100);
    wait_since(1, 0, 100);
    cr_assert_not_null(schedule_next(&schedule, 110));
    cr_assert_null(schedule_next(&schedule, 120));
    cr_expect_eq(schedule_delay(&schedule, 300).oldest_us, 0);
    schedule_release(&schedule, &gates[0], &callers[0], 400);
    cr_expect_eq(schedule_delay(&schedule, 410).oldest_us, 10);
}

Test(schedule_delay, waiting_for_its_callers_other_calls_is_not_in_the_delay)
{
    schedule_init(&schedule, 10);
    callers[0].in_flight.max = 1;
    wait_since(0, 0, 100);
    wait_since(1, 0, 100);
    cr_assert_not_null(schedule_next(&schedule, 200));
    cr_assert_null(schedule_next(&schedule, 200));
    cr_expect_eq(schedule_delay(&schedule, 299).oldest_us, 0);
    schedule_release(&schedule, &gates[0], &callers[0], 300);
    cr_expect_eq(schedule_delay(&schedule, 310).oldest_us, 10);
}
