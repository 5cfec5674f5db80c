/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/schedule.h: whose turn it is, example by example, and how long anybody waits at
 * most. test_schedule_model.c does random things. */
#include "unit/fetch/schedule_fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(schedule, .init = setup, .fini = teardown);

static void release(int gate, int caller)
{
    schedule_release(&schedule, &gates[gate], &callers[caller], 0);
}

/* ------------------------------------------------------------------ the next ones, many
 */

Test(schedule, tells_where_many_calls_of_the_next_flow_wait)
{
    schedule_init(&schedule, 2);
    cr_assert_null(schedule_peek_long(&schedule, 1), "nobody waits");
    wait_many(0, 0, 2);
    cr_assert_null(schedule_peek_long(&schedule, 3), "two wait");
    struct pair *pair = schedule_peek_long(&schedule, 2);
    cr_assert_not_null(pair);
    cr_assert_eq(pair->flow, &flows[0]);
    cr_assert_eq(pair->gate, &gates[0]);
    cr_assert_eq(list_first(&pair->calls), &calls[0].node);
    wait_many(1, 0, 2);
    cr_assert_eq(next_flow(), 0);
    cr_assert_eq(schedule_peek_long(&schedule, 2)->flow, &flows[1], "it is its turn");
    cr_assert_eq(next_flow(), 1);
    cr_assert_null(schedule_peek_long(&schedule, 1), "no slot is free");
    cr_assert_null(next());
    cr_assert_null(schedule_peek_long(&schedule, 1), "they are parked");
    release(0, 0);
    cr_assert_null(schedule_peek_long(&schedule, 1), "the free slot is kept for one");
}

/* -------------------------------------------------------------------------- the round */

Test(schedule, without_calls_has_nothing)
{
    schedule_init(&schedule, 1);
    cr_assert_not(schedule_has_next(&schedule));
    cr_assert_null(next());
}

Test(schedule, calls_of_a_flow_go_in_their_order)
{
    schedule_init(&schedule, 10);
    struct call *first = wait_at(0, 0);
    struct call *second = wait_at(0, 0);
    cr_assert_eq(schedule.waiting, 2);
    cr_assert_eq(next(), first);
    cr_assert_eq(next(), second);
    cr_assert_eq(schedule.waiting, 0);
    cr_assert_null(next());
}

Test(schedule, a_flow_of_one_call_waits_for_one_call_of_each_other)
{
    schedule_init(&schedule, 100);
    for (int flow = 0; flow < 4; flow++)
        wait_many(flow, 0, 20);
    next();
    wait_at(4, 0);
    expect_flows("1230412301");
}

Test(schedule, a_flow_with_many_origins_has_no_more_turns_than_one_with_few)
{
    schedule_init(&schedule, 100);
    for (int gate = 0; gate < GATES; gate++)
        wait_many(0, gate, 3);
    wait_many(1, 0, 4);
    expect_flows("01010101000000");
}

Test(schedule, a_flow_goes_round_over_its_origins)
{
    schedule_init(&schedule, 100);
    for (int gate = 0; gate < 3; gate++)
        wait_many(0, gate, 2);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(next(), &calls[2 * (i % 3) + i / 3]);
}

Test(schedule, callers_share_alike_however_many_flows_they_have)
{
    schedule_init(&schedule, 100);
    flows[3].caller = &callers[1];
    for (int flow = 0; flow < 3; flow++)
        wait_many(flow, 0, 3);
    wait_many(3, 0, 4);
    expect_flows("0313230312012");
}

Test(schedule, a_flow_that_comes_back_goes_to_the_end)
{
    schedule_init(&schedule, 100);
    wait_many(0, 0, 1);
    wait_many(1, 0, 3);
    cr_assert_eq(next_flow(), 0);
    wait_many(0, 0, 1);
    expect_flows("101");
}

Test(schedule, a_call_that_goes_on_is_its_flows_next)
{
    schedule_init(&schedule, 100);
    wait_many(0, 0, 2);
    wait_many(0, 1, 2);
    struct call *hop = &calls[call_count++];
    struct call *again = &calls[call_count++];
    hop->flow = again->flow = &flows[0];
    schedule_wait_first(&schedule, &gates[2], hop, 0);
    schedule_wait_first(&schedule, &gates[2], again, 0);
    cr_assert_eq(next(), again);
    cr_assert_eq(next(), &calls[0]);
    cr_assert_eq(next(), &calls[2]);
    cr_assert_eq(next(), hop);
}

/* ----------------------------------------------------------------------------- slots */

Test(schedule, a_gate_lets_only_so_many_run)
{
    schedule_init(&schedule, 2);
    wait_many(0, 0, 3);
    wait_many(1, 1, 1);
    expect_flows("010");
    cr_assert_null(next());
    cr_assert_not(schedule_has_next(&schedule));
    release(0, 0);
    cr_assert(schedule_has_next(&schedule));
    cr_assert_eq(next(), &calls[2]);
}

Test(schedule, slots_that_come_free_go_round_over_flows)
{
    schedule_init(&schedule, 1);
    wait_many(0, 0, 3);
    wait_many(1, 0, 2);
    wait_many(2, 0, 1);
    cr_assert_eq(next_flow(), 0);
    for (const char *at = "12010"; *at; at++) {
        cr_assert_null(next());
        release(0, 0);
        cr_assert_eq(next_flow(), *at - '0');
    }
}

Test(schedule, slots_that_come_free_go_round_over_callers)
{
    schedule_init(&schedule, 1);
    flows[2].caller = &callers[1];
    flows[3].caller = &callers[2];
    wait_many(0, 0, 3);
    wait_many(1, 0, 3);
    wait_many(2, 0, 3);
    wait_many(3, 0, 1);
    cr_assert_eq(next_flow(), 0);
    cr_assert_null(next());
    int last = 0;
    for (const char *at = "231202101"; *at; at++) {
        release(0, last == 2 ? 1 : last == 3 ? 2 : 0);
        last = next_flow();
        cr_assert_eq(last, *at - '0', "at %s", at);
    }
}

Test(schedule, nobody_overtakes_those_who_wait_for_a_slot)
{
    schedule_init(&schedule, 1);
    wait_many(0, 0, 2);
    cr_assert_eq(next_flow(), 0);
    release(0, 0);
    wait_at(1, 0);
    cr_assert_eq(next_flow(), 0);
    cr_assert_null(next());
    release(0, 0);
    cr_assert_eq(next_flow(), 1);
}

Test(schedule, a_slot_kept_for_a_call_that_leaves_goes_to_the_next)
{
    schedule_init(&schedule, 1);
    wait_many(0, 0, 2);
    wait_at(1, 0);
    next();
    cr_assert_null(next());
    release(0, 0);
    cr_assert_eq(gates[0].granted, 1);
    schedule_leave(&schedule, &calls[1], 0);
    cr_assert_eq(next_flow(), 1);
}

Test(schedule, kept_slots_and_other_origins_take_turns_within_a_flow)
{
    schedule_init(&schedule, 3);
    wait_many(0, 0, 6);
    for (int i = 0; i < 3; i++)
        next();
    for (int gate = 1; gate < 4; gate++)
        wait_at(0, gate);
    cr_assert_eq(schedule_next(&schedule, 0), &calls[6]);
    release(0, 0);
    cr_assert_eq(next(), &calls[3]);
    release(0, 0);
    cr_assert_eq(next(), &calls[7]);
    cr_assert_eq(next(), &calls[4]);
    cr_assert_eq(next(), &calls[8]);
}

/* ------------------------------------------------------------------ callers' places */

Test(schedule, a_caller_has_only_so_many_in_flight)
{
    schedule_init(&schedule, 100);
    callers[0].in_flight.max = 2;
    flows[1].caller = &callers[1];
    wait_many(0, 0, 4);
    wait_many(1, 0, 4);
    expect_flows("010111");
    cr_assert_null(next());
    cr_assert(schedule_has_blocked(&schedule));
    cr_assert_not(schedule_has_next(&schedule));
    release(0, 0);
    cr_assert_not(schedule_has_blocked(&schedule));
    cr_assert_eq(next_flow(), 0);
    cr_assert_null(next());
    cr_assert_eq(budget_held(&callers[0].in_flight), 2);
    cr_assert_eq(budget_held(&callers[1].in_flight), 4);
}

Test(schedule, places_held_elsewhere_are_found_free_by_trying_again)
{
    schedule_init(&schedule, 100);
    callers[0].in_flight.max = 1;
    budget_force(&callers[0].in_flight, 1);
    wait_at(0, 0);
    cr_assert_null(next());
    schedule_retry(&schedule, 0);
    cr_assert_not(schedule_has_next(&schedule));
    budget_give(&callers[0].in_flight, 1);
    schedule_retry(&schedule, 0);
    cr_assert_eq(next_flow(), 0);
}

Test(schedule, a_caller_without_places_keeps_no_slot_from_others)
{
    schedule_init(&schedule, 2);
    flows[1].caller = &callers[1];
    callers[0].in_flight.max = 2;
    wait_many(0, 0, 4);
    wait_many(1, 0, 2);
    wait_many(0, 1, 4);
    expect_flows("01");
    cr_assert_eq(next_flow(), 0, "at the other gate: its last place");
    cr_assert_null(next());
    release(0, 1); /* kept for flow 0, whose caller is full, or given to flow 1 */
    cr_assert_eq(next_flow(), 1);
    cr_assert_null(next());
    release(0, 1);
    release(1, 0);
    cr_assert_eq(next_flow(), 0);
    cr_assert_null(next());
}

Test(schedule, a_caller_that_is_blocked_gives_its_kept_slots_away)
{
    schedule_init(&schedule, 1);
    flows[1].caller = &callers[1];
    callers[0].in_flight.max = 2;
    wait_many(0, 0, 2);
    wait_many(1, 0, 1);
    wait_many(2, 1, 1);
    expect_flows("02");
    cr_assert_null(next());
    budget_force(&callers[0].in_flight, 1); /* another worker's */
    release(0, 0);
    cr_assert_eq(gates[0].granted, 1);
    cr_assert_eq(next_flow(), 1);
    cr_assert_null(next());
    budget_give(&callers[0].in_flight, 1);
}

Test(schedule, a_blocked_flow_may_leave)
{
    schedule_init(&schedule, 1);
    callers[0].in_flight.max = 0;
    wait_at(0, 0);
    cr_assert_null(next());
    schedule_leave(&schedule, &calls[0], 0);
    cr_assert_not(schedule_has_blocked(&schedule));
    callers[0].in_flight.max = 1;
    wait_at(0, 0);
    cr_assert_eq(next_flow(), 0);
}

Test(schedule, keeps_no_more_spare_parts_than_it_may)
{
    enum { MANY = 1200, SPARES = 1024 };
    static struct gate many_gates[MANY];
    static struct call many_calls[MANY];
    schedule_init(&schedule, 1);
    for (int i = 0; i < MANY; i++) {
        gate_init(&many_gates[i]);
        many_calls[i].flow = &flows[0];
        schedule_wait(&schedule, &many_gates[i], &many_calls[i], 0);
    }
    while (schedule_drain(&schedule))
        ;
    cr_assert_eq(schedule.spare_count, SPARES);
    flows[1].caller = &callers[1];
    wait_many(0, 0, 2);
    wait_many(1, 0, 1);
    next();
    cr_assert_null(next());
    cr_assert_eq(schedule.claims.count, 1);
    while (schedule_drain(&schedule))
        ;
    cr_assert_eq(schedule.spare_count, SPARES);
}

/* ------------------------------------------------------------------------ how fair */

static struct call *last;
static struct gate *last_gate;

/* Ends the call picked last, then picks. */
static int next_flow_after_release(void)
{
    if (last)
        schedule_release(&schedule, last_gate, last->flow->caller, 0);
    struct gate *gate_of[CALLS];
    for (int i = 0; i < call_count; i++)
        gate_of[i] = calls[i].pair ? calls[i].pair->gate : NULL;
    last = next();
    cr_assert_not_null(last);
    last_gate = gate_of[last - calls];
    return (int)(last->flow - flows);
}

/* Flow 0 has one call, the others have many: how many of theirs go before it? */
static void expect_fair(unsigned seed, unsigned slots, int gate_count)
{
    int before[FLOWS] = {0};
    int of_others[CALLERS] = {0};
    srand(seed);
    setup();
    last = NULL;
    schedule_init(&schedule, slots);
    for (int i = 0; i < FLOWS; i++)
        flows[i].caller = &callers[i % CALLERS];
    for (int i = 0; i < CALLS - 1; i++)
        wait_at(1 + rand() % (FLOWS - 1), rand() % gate_count);
    for (int i = rand() % 100; i > 0; i--)
        next_flow_after_release();
    wait_at(0, rand() % gate_count);
    for (int flow = next_flow_after_release(); flow != 0;
         flow = next_flow_after_release()) {
        before[flow]++;
        of_others[flow % CALLERS]++;
    }
    for (int i = CALLERS; i < FLOWS; i += CALLERS)
        cr_expect_leq(before[i], 1, "flow %d of its caller, seed %u", i, seed);
    for (int i = 1; i < CALLERS; i++)
        cr_expect_leq(of_others[i], FLOWS / CALLERS + 1, "caller %d, seed %u", i, seed);
    schedule_release(&schedule, last_gate, last->flow->caller, 0);
}

Test(schedule, a_flow_of_one_call_waits_no_longer_than_promised)
{
    for (unsigned seed = 1; seed <= 50; seed++) {
        expect_fair(seed, CALLS, GATES);
        teardown();
    }
    setup();
    schedule_init(&schedule, 1);
}

Test(schedule, nor_where_all_wait_for_the_slot_of_one_origin)
{
    for (unsigned seed = 1; seed <= 50; seed++) {
        expect_fair(seed, 1, 1);
        teardown();
    }
    setup();
    schedule_init(&schedule, 1);
}
