/* SPDX-License-Identifier: Apache-2.0 */
/* batch/attempts.h, on a fetcher that does what the test says and a clock it sets. */
#include "batch/attempts.h"

#include "batch/expect.h"
#include "fetch/call.h"
#include "unit/batch/gather_fixture.h"

static struct flow flow;
static struct caller caller;
static struct call call;
static struct item_options options;
static struct attempts *attempts;
static struct {
    int count;
    enum call_code code;
    int status;
    size_t attempt_count;
    struct attempt_record attempts[16];
} done;

static void on_done(void *context, const struct outcome *outcome)
{
    cr_assert_eq(context, &done);
    done.count++;
    done.code = outcome->code;
    done.status = outcome->status;
    done.attempt_count = outcome->attempt_count;
    for (size_t i = 0; i < outcome->attempt_count; i++)
        done.attempts[i] = outcome->attempts[i];
    attempts_free(attempts);
    attempts = NULL;
}

static void begin(unsigned retries)
{
    const struct attempts_setup setup = {
        .loop = &world.loop,
        .fetcher = &world.fetcher,
        .budgets = &world.budgets,
        .metrics = world.metrics,
        .call = &call,
        .options = &options,
        .retries = retries,
        .on_done = on_done,
        .context = &done,
    };
    int before = done.count;
    attempts = attempts_start(&setup);
    cr_assert_eq(done.count, before, "ended inside attempts_start");
}

static void open_all(void)
{
    open_world();
    memset(&done, 0, sizeof done);
    retry_budget_init(&world.budgets.retries, 20);
    rate_init(&caller.items, 1000, 1000);
    flow.caller = &caller;
    loop_touch(&world.loop);
    call = (struct call){.flow = &flow,
                         .url = slice_from("http://own/"),
                         .deadline_ms = world.loop.now_ms + 10000};
    item_options_init(&options);
}

static void close_all(void)
{
    cr_expect_eq(world.budgets.retries.at_work, 0, "an attempt was not given back");
    cr_expect_eq(world.loop.timer_count, 0, "a timer is left");
    cr_expect_eq(budget_held(&world.budgets.request_bytes), 0, "its memory is counted");
    close_world();
}

TestSuite(attempts, .init = open_all, .fini = close_all);

static size_t started(void)
{
    return world.fetcher.started_count;
}

static struct call *nth(size_t n)
{
    cr_assert_gt(started(), n);
    return world.fetcher.started[n];
}

static void answer(size_t n, int status)
{
    struct outcome outcome = {.code = CALL_OK, .status = status};
    outcome.timing.remote_address = "192.0.2.1:80";
    finish(n, &outcome);
}

static void fail(size_t n, enum call_code code)
{
    struct outcome outcome = {.code = code, .message = "so"};
    finish(n, &outcome);
}

static void pass(uint64_t ms)
{
    run_timers_at(world.loop.now_ms + ms);
}

static void dispatch(size_t n)
{
    nth(n)->started_us = world.loop.now_ms * 1000;
    nth(n)->phase = PHASE_WAITING;
}

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

/* ----------------------------------------------------------------------- hedges */

Test(attempts, a_slow_first_is_hedged_and_the_loser_cancelled)
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

Test(attempts, the_first_may_still_win)
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

Test(attempts, the_clock_of_a_hedge_begins_with_the_dispatch)
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

Test(attempts, what_answers_already_is_not_hedged)
{
    options.hedge_after_ms = 50;
    begin(0);
    dispatch(0);
    nth(0)->phase = PHASE_RECEIVING;
    pass(1000);
    cr_expect_eq(started(), 1);
    answer(0, 200);
}

Test(attempts, a_failure_beside_a_running_one_waits_for_it)
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

Test(attempts, when_both_failed_it_is_tried_again_but_hedged_no_more)
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

Test(attempts, a_retry_before_the_hedge_has_a_hedge_of_its_own)
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

Test(attempts, without_budget_or_time_there_is_no_hedge)
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

/* ----------------------------------------------------------------- alternatives */

static const struct slice others[] = {{"http://b/", 9}, {"http://c/", 9}};

static void give_alternatives(void)
{
    options.alternatives = others;
    options.alternative_count = 2;
}

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

Test(attempts, alternatives_are_the_targets_of_hedges)
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

Test(attempts, a_late_failure_goes_nowhere)
{
    give_alternatives();
    call.deadline_ms = world.loop.now_ms;
    begin(0);
    fail(0, CALL_CONNECT);
    cr_expect_eq(done.count, 1);
}

/* -------------------------------------------------------------------- cancelling */

Test(attempts, cancelling_ends_both_and_tells_nobody)
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
