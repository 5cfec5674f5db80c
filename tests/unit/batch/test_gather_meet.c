/* SPDX-License-Identifier: Apache-2.0 */
/* A gather whose timers, failures and policies come together in one turn. */
#include "unit/batch/gather_fixture.h"

static void open_meeting(void)
{
    static struct caller caller;
    open_world();
    rate_init(&caller.items, 1000, 1000);
    static struct terms terms = {.caller = &caller};
    world.terms = &terms;
    retry_budget_init(&world.budgets.retries, 20);
    loop_touch(&world.loop);
}

static void close_meeting(void)
{
    cr_expect_eq(world.budgets.retries.at_work, 0, "an attempt was not given back");
    cr_expect_eq(world.loop.timer_count, 0, "a timer is left");
    close_world();
}

TestSuite(gather_meet, .init = open_meeting, .fini = close_meeting);

static void answer(size_t n, int status)
{
    struct outcome outcome = {.code = CALL_OK, .status = status};
    finish(n, &outcome);
}

static void fail(size_t n)
{
    struct outcome outcome = {.code = CALL_CONNECT, .message = "refused"};
    finish(n, &outcome);
}

static void dispatch(size_t n)
{
    struct call *call = world.fetcher.started[n];
    call->started_us = world.loop.now_ms * 1000;
    call->phase = PHASE_WAITING;
    cr_assert(call->on_dispatch(call));
}

/* The attempts of an item as words: "503 deadline". */
static const char *attempts_of(const json_t *root, size_t index)
{
    static char text[200];
    const json_t *attempts = json_object_get(response(root, index), "attempts");
    text[0] = 0;
    for (size_t i = 0; i < json_array_size(attempts); i++) {
        const json_t *attempt = json_array_get(attempts, i);
        const char *error = json_string_value(json_object_get(attempt, "error"));
        size_t len = strlen(text);
        if (error)
            snprintf(text + len, sizeof text - len, "%s%s", i ? " " : "", error);
        else
            snprintf(text + len, sizeof text - len, "%s%d", i ? " " : "",
                     (int)json_integer_value(json_object_get(attempt, "status")));
    }
    return text;
}

Test(gather_meet, a_retry_and_a_hedge_that_are_due_at_the_deadline_end_with_it)
{
    start("{'requests': [{'url': 'a', 'retries': 1}, {'url': 'b', 'hedgeAfterMs': 50}],"
          " 'deadlineMs': 1000}");
    dispatch(1);
    answer(0, 503);
    cr_expect_eq(world.ends, 0, "it waits to be tried again");
    run_timers_at(world.loop.now_ms + 2000);
    cr_expect_eq(world.ends, 1);
    cr_expect_eq(world.fetcher.started_count - world.fetcher.cancelled_count, 1,
                 "all but the one that was answered are taken back in the same turn");
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "deadline");
    cr_expect_str_eq(code_of(root, 1), "deadline");
    cr_expect_str_eq(attempts_of(root, 0), "503 deadline");
    cr_expect_str_eq(attempts_of(root, 1), "", "nothing is hedged that late");
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_meet, a_failure_ends_what_is_due_to_be_tried_again_in_the_same_turn)
{
    start("{'requests': [{'url': 'a', 'retries': 1}, 'b'], 'failFast': true}");
    answer(0, 503);
    world.loop.now_ms += 1000; /* due, and not run */
    fail(1);
    cr_expect_eq(world.ends, 1);
    loop_run_due(&world.loop);
    cr_expect_eq(world.fetcher.started_count, 2, "nothing is sent any more");
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "cancelled");
    cr_expect_str_eq(code_of(root, 1), "connect");
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_meet, fail_fast_waits_for_the_last_attempt_and_for_the_fallback)
{
    start("{'requests': [{'url': 'a', 'retries': 1}, 'b', {'url': 'c', 'retries': 1,"
          " 'fallback': {'status': 203}}], 'failFast': true}");
    fail(0);
    fail(2);
    cr_expect_eq(world.ends, 0, "both are tried again");
    run_timers_at(world.loop.now_ms + 100);
    cr_assert_eq(world.fetcher.started_count, 5);
    bool is_swapped = world.fetcher.started[3]->url.data[0] == 'c';
    fail(is_swapped ? 3 : 4);
    cr_expect_eq(world.ends, 0, "the fallback holds");
    fail(is_swapped ? 4 : 3);
    cr_expect_eq(world.ends, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "connect");
    cr_expect_str_eq(attempts_of(root, 0), "connect connect");
    cr_expect_str_eq(code_of(root, 1), "cancelled");
    cr_expect_str_eq(code_of(root, 2), "(none)");
    cr_expect_str_eq(attempts_of(root, 2), "connect connect");
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_meet, a_source_that_fails_and_the_policy_are_judged_together)
{
    start("{'requests': ['a', {'url': 'b', 'dependsOn': ['0'], 'fallback': {}},"
          " {'url': 'c', 'dependsOn': ['0']}, 'd'], 'until': {'ok': 1}}");
    cr_expect_eq(world.fetcher.started_count, 2);
    fail(0);
    cr_expect_eq(world.ends, 1, "a fallback is ok, and one is enough");
    cr_expect_eq(world.fetcher.cancelled_count, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 1), "(none)");
    cr_expect_str_eq(code_of(root, 2), "dependency_failed");
    cr_expect_str_eq(code_of(root, 3), "cancelled");
    json_decref(root);
    gather_free(world.gather);
}
