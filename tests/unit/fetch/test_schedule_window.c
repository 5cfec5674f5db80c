/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/schedule.h, schedule_widen: fewer slots than there could be. window.h
 * itself is tested in test_window.c. */
#include "unit/fetch/schedule_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(schedule_window, .init = setup, .fini = teardown);

/* Gate 0 as it is where the worker was always busy: two slots of `slots`. */
static void make_narrow(unsigned slots)
{
    schedule_init(&schedule, slots);
    schedule.range.least = 2;
    gates[0].window.size = 2;
    gates[0].window.narrow_us = -(uint64_t)WINDOW_LOOK_US;
    gates[0].window.wide = (struct window_rate){.count = 1000000, .took_us = 1};
}

/* The worker sleeps for a millisecond and a bit. */
static void sleep_until(uint64_t *now_us)
{
    *now_us += 1200;
    schedule_note_idle(&schedule, schedule.idle_us + 1200);
    schedule_widen(&schedule, *now_us);
}

Test(schedule_window, is_wide_at_first)
{
    schedule_init(&schedule, 100);
    wait_many(0, 0, 120);
    while (next())
        ;
    cr_assert_eq(gates[0].running, 100);
    cr_assert_not(schedule_has_narrow(&schedule));
}

Test(schedule_window, lets_more_run_when_the_worker_sleeps_while_they_wait)
{
    uint64_t now_us = 0;
    make_narrow(100);
    wait_many(0, 0, 20);
    schedule_note_idle(&schedule, 777000); /* before anybody waited */
    cr_assert_not_null(schedule_next(&schedule, now_us));
    cr_assert_not_null(schedule_next(&schedule, now_us));
    cr_assert_null(schedule_next(&schedule, now_us));
    cr_assert(schedule_has_narrow(&schedule));
    schedule_widen(&schedule, now_us + 1000);
    cr_assert_not(schedule_has_next(&schedule), "it was busy");
    sleep_until(&now_us);
    expect_flows("000000");
    cr_assert_null(next());
    sleep_until(&now_us);
    expect_flows("000000000000");
    cr_assert_not(schedule_has_narrow(&schedule), "nobody waits");
}

Test(schedule_window, never_has_more_slots_than_it_was_given)
{
    uint64_t now_us = 0;
    make_narrow(10);
    wait_many(0, 0, 20);
    for (int i = 0; i < 10; i++) {
        while (schedule_next(&schedule, now_us))
            cr_assert_leq(gates[0].running, 10);
        sleep_until(&now_us);
    }
    cr_assert_eq(gates[0].running, 10);
    cr_assert_not(schedule_has_narrow(&schedule));
}

Test(schedule_window, is_seen_to_when_a_gate_becomes_narrow_while_calls_wait)
{
    uint64_t now_us = 0;
    schedule_init(&schedule, 100);
    schedule.range.least = 2;
    wait_many(0, 0, 300);
    while (schedule_next(&schedule, now_us))
        ;
    cr_assert_eq(gates[0].running, 100);
    for (int i = 0; i < 250 && gates[0].window.size == 0; i++) {
        now_us += 100; /* never asleep */
        schedule_release(&schedule, &gates[0], &callers[0], now_us);
        schedule_next(&schedule, now_us);
    }
    cr_assert_eq(gates[0].window.size, 2);
    cr_assert(schedule_has_narrow(&schedule));
}

Test(schedule_window, of_a_narrow_gate_tells_who_is_parked)
{
    make_narrow(100);
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

Test(schedule_window, of_a_narrow_gate_tells_nobody_who_has_been_granted_its_slot)
{
    make_narrow(100);
    wait_many(0, 0, 20);
    expect_flows("00");
    cr_assert_null(next());
    cr_assert_not_null(schedule_peek_long(&schedule, 1));
    schedule_release(&schedule, &gates[0], &callers[0], 0);
    cr_assert_eq(gates[0].granted, 1);
    cr_assert_null(schedule_peek_long(&schedule, 1));
    cr_assert_not_null(next());
}

/* What was kept for others while nothing ran must not hide that there is room. */
Test(schedule_window, lets_who_is_parked_have_what_a_window_that_opens_brings)
{
    make_narrow(100);
    for (int i = 0; i < 5; i++)
        wait_at(i, 0);
    expect_flows("01");
    cr_assert_null(next());
    schedule_release(&schedule, &gates[0], &callers[0], 0);
    schedule_release(&schedule, &gates[0], &callers[0], 0);
    cr_assert_eq(gates[0].granted, 2);
    for (int i = 2; i < 5; i++)
        cr_assert_not_null(schedule_next(&schedule, 1000 * 1000), "flow %d", i);
}

/* The first gate's queue is short, the second's was opened a moment ago. */
Test(schedule_window, of_several_narrow_gates_tells_who_is_parked_in_a_long_queue)
{
    make_narrow(100);
    for (int gate = 1; gate < 3; gate++)
        gates[gate].window = gates[0].window;
    for (int gate = 0; gate < 3; gate++)
        wait_many(gate, gate, gate == 0 ? 3 : 20);
    while (next())
        ;
    cr_assert_eq(gates[0].running + gates[1].running + gates[2].running, 6);
    gates[1].window.size = 0;
    struct pair *pair = schedule_peek_long(&schedule, 10);
    cr_assert_not_null(pair);
    cr_assert_eq(pair->gate, &gates[2]);
    cr_assert_null(schedule_peek_long(&schedule, 19));
    cr_assert_eq(schedule_peek_long(&schedule, 1)->gate, &gates[0]);
    gates[1].window.size = 2;
}
