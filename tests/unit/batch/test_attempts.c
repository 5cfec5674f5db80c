/* SPDX-License-Identifier: Apache-2.0 */
/* batch/attempts.h: retries, alternatives, and the end of an item. */
#include "unit/batch/attempts_fixture.h"

TestSuite(attempts, .init = open_all, .fini = close_all);

/* ---------------------------------------------------------------------- retries */

Test(attempts, a_good_reply_is_the_end)
{
    begin(3);
    answer(0, 200);
    cr_expect_eq(done.count, 1);
    cr_expect_eq(done.status, 200);
    cr_expect_eq(done.attempt_count, 0, "there was one only");
}

Test(attempts, what_may_pass_is_tried_again_after_a_wait)
{
    begin(2);
    cr_expect_not(nth(0)->is_extra);
    answer(0, 503);
    cr_expect_eq(attempts_phase(attempts), PHASE_BACKOFF, "not at once");
    cr_expect_null(attempts_call(attempts));
    pass(26);
    cr_assert_eq(started(), 2);
    cr_expect(nth(1)->is_extra);
    fail(1, CALL_RESET);
    pass(76);
    answer(2, 200);
    cr_assert_eq(done.count, 1);
    cr_expect_eq(done.status, 200);
    cr_assert_eq(done.attempt_count, 3);
    cr_expect_eq(done.attempts[0].status, 503);
    cr_expect_str_eq(done.attempts[0].remote_address, "192.0.2.1:80");
    cr_expect_eq(done.attempts[1].code, CALL_RESET);
    cr_expect_eq(done.attempts[2].status, 200);
    cr_expect_null(done.attempts[2].url.data);
}

Test(attempts, when_the_retries_are_used_up_the_last_outcome_stays)
{
    begin(1);
    answer(0, 503);
    pass(26);
    answer(1, 502);
    cr_expect_eq(done.status, 502);
    cr_expect_eq(done.attempt_count, 2);
}

Test(attempts, an_unsafe_method_is_tried_once_unless_it_has_a_key)
{
    call.method = METHOD_POST;
    begin(3);
    answer(0, 503);
    cr_assert_eq(done.count, 1);
    options.idempotency_key = slice_from("k");
    begin(3);
    answer(1, 503);
    pass(26);
    answer(2, 200);
    cr_expect_eq(done.count, 2);
}

static void busy(size_t n, const char *retry_after)
{
    struct call_header header = {.name = slice_from("retry-after"),
                                 .value = slice_from(retry_after)};
    struct outcome outcome = {
        .code = CALL_OK, .status = 503, .headers = &header, .header_count = 1};
    finish(n, &outcome);
}

Test(attempts, the_upstreams_wait_is_kept_to)
{
    begin(1);
    busy(0, "2");
    pass(1999);
    cr_expect_eq(started(), 1);
    pass(27);
    cr_assert_eq(started(), 2);
    answer(1, 200);
}

Test(attempts, a_wait_past_the_deadline_is_not_begun)
{
    begin(1);
    busy(0, "10");
    cr_assert_eq(done.count, 1);
    cr_expect_eq(done.status, 503);
    call.deadline_ms = world.loop.now_ms;
    begin(1);
    answer(1, 503);
    cr_expect_eq(done.count, 2);
}

Test(attempts, without_budget_there_is_no_retry)
{
    retry_budget_init(&world.budgets.retries, 0);
    begin(3);
    answer(0, 503);
    cr_expect_eq(done.count, 1);
    cr_expect_eq(done.status, 503);
}

Test(attempts, every_attempt_but_the_first_is_charged_to_its_caller)
{
    uint64_t wait_ns;
    rate_init(&caller.items, 1, 2);
    begin(2);
    answer(0, 503);
    pass(26);
    answer(1, 503);
    pass(76);
    answer(2, 200);
    cr_expect_not(rate_has_one(&caller.items, world.loop.now_us, &wait_ns));
}

/* ----------------------------------------------------------------- alternatives */

Test(attempts, alternatives_are_tried_in_order_and_at_once)
{
    give_alternatives();
    begin(0);
    fail(0, CALL_TIMEOUT_TOTAL);
    cr_assert_eq(started(), 2);
    cr_expect(fixture_is(nth(1)->url, "http://b/"));
    answer(1, 500);
    cr_assert_eq(started(), 3);
    cr_expect(fixture_is(nth(2)->url, "http://c/"));
    answer(2, 429);
    cr_assert_eq(done.count, 1);
    cr_expect_eq(done.status, 429);
    cr_assert_eq(done.attempt_count, 3);
    cr_expect_null(done.attempts[0].url.data);
    cr_expect(fixture_is(done.attempts[1].url, "http://b/"));
    cr_expect(fixture_is(done.attempts[2].url, "http://c/"));
}

Test(attempts, retries_come_before_alternatives)
{
    give_alternatives();
    begin(2);
    answer(0, 503);
    pass(26);
    cr_expect(fixture_is(nth(1)->url, "http://own/"));
    fail(1, CALL_TLS);
    cr_expect(fixture_is(nth(2)->url, "http://b/"), "what is not repeated goes on");
    answer(2, 503);
    pass(76);
    cr_expect(fixture_is(nth(3)->url, "http://b/"));
    answer(3, 200);
    cr_expect(done.attempt_count == 4 && fixture_is(done.attempts[3].url, "http://b/"));
}

Test(attempts, an_unsafe_request_goes_elsewhere_only_if_it_was_not_sent)
{
    give_alternatives();
    call.method = METHOD_POST;
    begin(0);
    fail(0, CALL_CONNECT);
    cr_assert_eq(started(), 2);
    fail(1, CALL_RESET);
    cr_expect(done.count == 1 && done.code == CALL_RESET);
    begin(0);
    struct outcome outcome = {.code = CALL_CONNECT, .message = "so", .hops = 1};
    finish(2, &outcome);
    cr_expect_eq(done.count, 2, "the redirect was an answer to it");
}

Test(attempts, an_expected_status_is_good_and_another_is_not)
{
    give_alternatives();
    const struct expectation expect = {{503}, .status_count = 1, .max_body_bytes = -1};
    options.expect = &expect;
    begin(3);
    answer(0, 200);
    answer(1, 503);
    cr_expect(done.count == 1 && done.code == CALL_OK);
}

Test(attempts, a_late_failure_goes_nowhere)
{
    give_alternatives();
    call.deadline_ms = world.loop.now_ms;
    begin(0);
    fail(0, CALL_CONNECT);
    cr_expect_eq(done.count, 1);
}

/* -------------------------------------------------------------------- cancelling */

Test(attempts, cancelling_a_wait_gives_its_place_back)
{
    begin(1);
    answer(0, 503);
    cr_expect_eq(world.budgets.retries.at_work, 1);
    attempts_cancel(attempts, CALL_CANCELLED);
    attempts_free(attempts);
    attempts_free(NULL);
}

Test(attempts, items_without_options_may_have_retries_too)
{
    const struct attempts_setup setup = {
        .loop = &world.loop,
        .fetcher = &world.fetcher,
        .budgets = &world.budgets,
        .metrics = world.metrics,
        .call = &call,
        .retries = 1,
        .on_done = on_done,
        .context = &done,
    };
    attempts = attempts_start(&setup);
    fail(0, CALL_CONNECT);
    pass(26);
    answer(1, 200);
    cr_expect_eq(done.count, 1);
    cr_expect_eq(done.attempt_count, 2);
}
