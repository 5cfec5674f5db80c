/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that end before all their items: when, what becomes of the rest, what they say
 * about it. Which counts end them is test_wait_policy.c's. */
#include "unit/batch/gather_fixture.h"

TestSuite(gather_wait, .init = open_world, .fini = close_world);

static void finish_failed(size_t n)
{
    struct outcome outcome = {.code = CALL_CONNECT, .message = "refused"};
    finish(n, &outcome);
}

static void check_codes(const json_t *root, size_t count, const char *const *codes)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(code_of(root, i), codes[i], "item %zu: %s", i, code_of(root, i));
}

static bool is_complete(const json_t *root)
{
    const json_t *complete =
        json_object_get(json_object_get(root, "summary"), "complete");
    cr_assert(json_is_boolean(complete));
    return json_is_true(complete);
}

Test(gather_wait, first_ok_cancels_the_rest_and_names_the_one_that_came)
{
    start("{'requests': ['a', {'id': 'x\\u00e9', 'url': 'b'}, 'c', 'd'], "
          "'until': 'firstOk', 'concurrency': 3}");
    finish_failed(0);
    cr_expect_eq(world.ends, 0);
    cr_assert_eq(world.fetcher.started_count, 4);
    world.fetcher.started[2]->phase = PHASE_WAITING;
    finish_ok(1, "first");
    cr_assert_eq(world.ends, 1);
    cr_expect_eq(world.fetcher.cancelled_count, 2);
    cr_expect(world.fetcher.started[0]->flow->is_over);
    cr_expect_eq(gather_status(world.gather), 200);
    json_t *root = take_reply();
    check_codes(root, 4,
                (const char *const[]){"connect", "(none)", "cancelled", "cancelled"});
    cr_expect_str_eq(message_of(root, 2),
                     "not needed any more: item \"x\xc3\xa9\" was ok first; this one was "
                     "waiting for the first byte");
    cr_expect(strstr(message_of(root, 3), "this one was waiting in the queue") != NULL);
    cr_expect(is_complete(root));
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_wait, what_never_started_is_cancelled_too)
{
    start("{'urls': ['a', 'b', 'c'], 'until': 'firstDone', 'concurrency': 1}");
    finish_failed(0);
    cr_assert_eq(world.ends, 1);
    cr_expect_eq(world.fetcher.started_count, 1);
    cr_expect_eq(world.fetcher.cancelled_count, 0);
    json_t *root = take_reply();
    check_codes(root, 3, (const char *const[]){"connect", "cancelled", "cancelled"});
    cr_expect(strstr(message_of(root, 1), "item \"0\" was done first") != NULL);
    cr_expect_not(is_complete(root));
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_wait, so_many_ok_are_enough)
{
    start("{'urls': ['a', 'b', 'c', 'd'], 'until': {'ok': 2}}");
    finish_ok(3, "");
    cr_expect_eq(world.ends, 0);
    finish_ok(0, "");
    cr_assert_eq(world.ends, 1);
    check_summary(4, 2);
    json_t *root = take_reply();
    cr_expect(strstr(message_of(root, 1), "item \"0\" was the last of 2 ok") != NULL);
    cr_expect(is_complete(root));
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_wait, what_can_no_longer_be_reached_is_waited_for_to_the_last)
{
    start("{'urls': ['a', 'b', 'c'], 'until': {'ok': 2}}");
    finish_failed(0);
    finish_failed(1);
    cr_expect_eq(world.ends, 0);
    finish_ok(2, "all there is");
    cr_assert_eq(world.ends, 1);
    cr_expect_not(gather_summary(world.gather).is_complete);
    gather_free(world.gather);
}

Test(gather_wait, fail_fast_ends_at_a_required_failure_not_at_an_optional_one)
{
    start("{'requests': [{'url': 'a', 'optional': true}, 'b', 'c', 'd'], "
          "'failFast': true}");
    finish_failed(0);
    finish_ok(3, "");
    cr_expect_eq(world.ends, 0);
    finish_failed(2);
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    check_codes(root, 4,
                (const char *const[]){"connect", "cancelled", "connect", "(none)"});
    cr_expect(strstr(message_of(root, 1), "item \"2\" failed and \"failFast\" is set") !=
              NULL);
    cr_expect_not(is_complete(root));
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_wait, optional_failures_leave_a_batch_complete)
{
    start("{'requests': ['a', {'url': 'b', 'optional': true}], 'onFailure': 'status'}");
    finish_failed(1);
    finish_ok(0, "");
    check_summary(2, 1);
    cr_expect(gather_summary(world.gather).is_complete);
    cr_expect_eq(gather_status(world.gather), 200);
    gather_free(world.gather);
}

/* The codes with which the items `a` to `c` of `document` end; CALL_CANCELLED: with the
 * batch. */
static int status_after(const char *document, const enum call_code codes[3])
{
    start(document);
    for (size_t i = 0; i < 3; i++) {
        struct outcome outcome = {.code = codes[i], .status = 200};
        if (codes[i] != CALL_CANCELLED)
            finish(i, &outcome);
    }
    gather_end_now(world.gather, CALL_CANCELLED);
    int status = gather_status(world.gather);
    gather_free(world.gather);
    world.fetcher.started_count = 0;
    world.ends = 0;
    return status;
}

Test(gather_wait, the_status_is_that_of_the_first_required_failure_that_was_not_cancelled)
{
    static const char all[] = "{'urls': ['a', 'b', 'c'], 'onFailure': 'status'}";
    static const char some[] =
        "{'requests': [{'url': 'a', 'optional': true}, 'b', 'c'], 'onFailure': 'status'}";
    static const char two[] = "{'urls': ['a', 'b', 'c'], 'defaults': {'optional': true}, "
                              "'until': {'ok': 3}, 'onFailure': 'status'}";
    static const char unasked[] = "['a', 'b', 'c']";
    const struct {
        const char *document;
        enum call_code codes[3];
        int status;
    } rows[] = {
        {all, {CALL_OK, CALL_OK, CALL_OK}, 200},
        {all, {CALL_OK, CALL_BLOCKED_URL, CALL_CONNECT}, 403},
        {all, {CALL_CANCELLED, CALL_OK, CALL_TIMEOUT_TOTAL}, 504},
        {all, {CALL_OK, CALL_CANCELLED, CALL_OK}, 499},
        {some, {CALL_BLOCKED_URL, CALL_OK, CALL_CONNECT}, 502},
        {some, {CALL_BLOCKED_URL, CALL_OK, CALL_OK}, 200},
        {two, {CALL_OK, CALL_CANCELLED, CALL_CONNECT}, 502},
        {two, {CALL_TIMEOUT_TOTAL, CALL_OK, CALL_CONNECT}, 504},
        {unasked, {CALL_CONNECT, CALL_CONNECT, CALL_CONNECT}, 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(status_after(rows[i].document, rows[i].codes), rows[i].status,
                     "row %zu", i);
}

Test(gather_wait, ten_thousand_are_cancelled_in_slices_and_none_starts_meanwhile)
{
    enum { COUNT = 10000 };
    struct buffer text;
    struct parse_errors errors;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "{\"until\":\"firstOk\",\"urls\":[\"a\"");
    for (size_t i = 1; i < COUNT; i++)
        buffer_append_text(&text, ",\"a\"");
    buffer_append_text(&text, "]}");
    world.config.batch.max_items = COUNT;
    struct batch *batch = parse_batch(
        buffer_slice(&text), &(struct parse_setup){.config = &world.config}, &errors);
    cr_assert_not_null(batch);
    start_batch(batch);
    size_t started = world.fetcher.started_count;
    cr_assert(started > 0 && started < COUNT);
    finish_ok(1, "");
    cr_expect_eq(world.ends, 0, "all in one turn");
    finish_ok(started - 1, "ended by itself meanwhile");
    for (size_t turns = 0; turns < 100 && world.ends == 0; turns++)
        run_timers_at(world.loop.now_ms);
    cr_assert_eq(world.ends, 1);
    cr_expect_eq(world.fetcher.started_count, started);
    cr_expect_eq(world.fetcher.cancelled_count, started - 2);
    check_summary(COUNT, 2);
    cr_expect(gather_summary(world.gather).is_complete);
    gather_free(world.gather);
    buffer_done(&text);
}
