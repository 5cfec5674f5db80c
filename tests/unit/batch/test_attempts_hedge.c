/* SPDX-License-Identifier: Apache-2.0 */
/* batch/attempts.h: hedges, and what they meet. */
#include "unit/batch/attempts_fixture.h"

TestSuite(attempts_hedge, .init = open_all, .fini = close_all);

/* ----------------------------------------------------------------------- hedges */

Test(attempts_hedge, a_slow_first_is_hedged_and_the_loser_cancelled)
{
    options.hedge_after_ms = 50;
    begin(0);
    dispatch(0);
    pass(49);
    cr_expect_eq(started(), 1);
    pass(1);
    cr_assert_eq(started(), 2);
    cr_expect(fixture_is(nth(1)->url, "http://own/"));
    answer(1, 200);
    cr_assert_eq(done.count, 1);
    cr_expect_eq(world.fetcher.cancelled_count, 1);
    cr_assert_eq(done.attempt_count, 2);
    cr_expect_eq(done.attempts[0].code, CALL_CANCELLED);
    cr_expect_eq(done.attempts[1].status, 200);
}

Test(attempts_hedge, the_first_may_still_win)
{
    options.hedge_after_ms = 50;
    begin(0);
    dispatch(0);
    pass(50);
    answer(0, 404);
    cr_assert_eq(done.count, 1);
    cr_expect_eq(done.status, 404, "no failure: an answer");
    cr_expect_eq(done.attempts[1].code, CALL_CANCELLED);
}

Test(attempts_hedge, the_clock_of_a_hedge_begins_with_the_dispatch)
{
    options.hedge_after_ms = 50;
    begin(0);
    pass(50);
    cr_expect_eq(started(), 1, "it waits for a slot: so would the hedge");
    pass(20);
    dispatch(0);
    pass(49);
    cr_expect_eq(started(), 1);
    pass(1);
    cr_expect_eq(started(), 2);
    answer(0, 200);
}

Test(attempts_hedge, what_answers_already_is_not_hedged)
{
    options.hedge_after_ms = 50;
    begin(0);
    dispatch(0);
    nth(0)->phase = PHASE_RECEIVING;
    pass(1000);
    cr_expect_eq(started(), 1);
    answer(0, 200);
}

Test(attempts_hedge, a_failure_beside_a_running_one_waits_for_it)
{
    options.hedge_after_ms = 50;
    for (size_t first = 0; first < 2; first++) {
        size_t before = started();
        begin(0);
        dispatch(before);
        pass(50);
        answer(before + first, 503);
        cr_expect_eq(done.count, (int)first * 2);
        answer(before + 1 - first, 200);
        cr_expect_eq(done.count, (int)first * 2 + 1);
        cr_expect_eq(done.status, 200);
        begin(0);
        dispatch(before + 2);
        pass(50);
        answer(before + 2 + first, 503);
        fail(before + 3 - first, CALL_RESET);
        cr_expect_eq(done.code, CALL_RESET, "the last outcome is the item's");
    }
}

Test(attempts_hedge, when_both_failed_it_is_tried_again_but_hedged_no_more)
{
    options.hedge_after_ms = 50;
    begin(1);
    dispatch(0);
    pass(50);
    answer(0, 503);
    answer(1, 503);
    pass(26);
    cr_assert_eq(started(), 3);
    dispatch(2);
    pass(1000);
    cr_expect_eq(started(), 3);
    answer(2, 200);
    cr_expect_eq(done.attempt_count, 3);
}

Test(attempts_hedge, a_retry_before_the_hedge_has_a_hedge_of_its_own)
{
    options.hedge_after_ms = 500;
    begin(1);
    dispatch(0);
    answer(0, 503);
    pass(26);
    dispatch(1);
    pass(500);
    cr_assert_eq(started(), 3);
    answer(2, 200);
    cr_expect_eq(done.count, 1);
}

Test(attempts_hedge, without_budget_or_time_there_is_no_hedge)
{
    options.hedge_after_ms = 50;
    retry_budget_init(&world.budgets.retries, 0);
    begin(0);
    dispatch(0);
    pass(1000);
    cr_expect_eq(started(), 1);
    answer(0, 200);
    retry_budget_init(&world.budgets.retries, 20);
    call.deadline_ms = world.loop.now_ms + 50;
    begin(0);
    dispatch(1);
    pass(50);
    cr_expect_eq(started(), 2);
    answer(1, 200);
}

Test(attempts_hedge, a_shared_call_is_looked_at_now_and_then)
{
    options.hedge_after_ms = 5;
    call.coalesces = true;
    begin(0);
    pass(5);
    pass(99);
    nth(0)->started_us = world.loop.now_ms * 1000;
    pass(1);
    cr_expect_eq(started(), 1, "dispatched a moment ago");
    pass(4);
    cr_assert_eq(started(), 2);
    cr_expect_not(nth(1)->coalesces, "it would join the first");
    answer(1, 200);
}

/* Who asks for the moment of a call's dispatch ties it to its worker (handover.h). */
Test(attempts_hedge, without_a_hedge_nobody_asks_when_a_call_is_dispatched)
{
    begin(1);
    cr_assert_null(nth(0)->on_dispatch);
    options.hedge_after_ms = 50;
    fail(0, CALL_CONNECT);
    pass(1000);
    cr_assert_not_null(nth(1)->on_dispatch);
    answer(1, 200);
}

static int asked;

static bool on_owners_dispatch(struct call *dispatched)
{
    cr_assert_eq(dispatched->dispatch_context, &asked);
    return ++asked < 2;
}

Test(attempts_hedge, whoever_owns_the_call_is_asked_at_each_dispatch_too)
{
    call.on_dispatch = on_owners_dispatch;
    call.dispatch_context = &asked;
    begin(0);
    cr_expect(nth(0)->on_dispatch(nth(0)));
    cr_expect_not(nth(0)->on_dispatch(nth(0)));
    answer(0, 200);
}

Test(attempts_hedge, alternatives_are_the_targets_of_hedges)
{
    give_alternatives();
    options.hedge_after_ms = 50;
    begin(0);
    dispatch(0);
    pass(50);
    cr_assert_eq(started(), 2);
    cr_expect(fixture_is(nth(1)->url, "http://b/"));
    fail(1, CALL_CONNECT);
    cr_assert_eq(started(), 3, "the first is still slow: the next takes the place");
    cr_expect(fixture_is(nth(2)->url, "http://c/"));
    answer(2, 200);
    cr_expect_eq(done.count, 1);
    cr_expect_eq(done.attempts[0].code, CALL_CANCELLED);
}

Test(attempts_hedge, cancelling_ends_both_and_tells_nobody)
{
    options.hedge_after_ms = 50;
    begin(0);
    dispatch(0);
    pass(50);
    nth(1)->phase = PHASE_CONNECTING;
    cr_expect_eq(attempts_phase(attempts), PHASE_WAITING);
    cr_expect_eq(attempts_call(attempts), nth(0));
    attempts_cancel(attempts, CALL_DEADLINE);
    cr_expect_eq(world.fetcher.cancelled_count, 2);
    size_t count;
    const struct attempt_record *records = attempts_records(attempts, &count);
    cr_assert_eq(count, 2);
    cr_expect_eq(records[0].code, CALL_DEADLINE);
    cr_expect_eq(records[1].code, CALL_DEADLINE);
    cr_expect_eq(done.count, 0);
    attempts_free(attempts);
}
