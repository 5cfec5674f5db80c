/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a batch: when calls start, when they end, and that a batch ends exactly
 * once with one response per item. */
#include "unit/batch/gather_fixture.h"

TestSuite(gather, .init = open_world, .fini = close_world);

static const char *code_name(unsigned code)
{
    return call_code_row((enum call_code)code)->name;
}

static void check_metric(const char *line)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    struct metrics_shard *shards[] = {world.metrics};
    metrics_write(&out, shards, 1, code_name);
    char expected[200];
    snprintf(expected, sizeof expected, "\ngatherd_%s\n", line);
    cr_expect(strstr(buffer_text(&out), expected) != NULL, "no %s", line);
    buffer_done(&out);
}

Test(gather, all_items_start_at_once_and_answer_in_request_order)
{
    start("['a', 'b', 'c']");
    cr_assert_eq(world.fetcher.started_count, 3);
    finish_ok(2, "third");
    finish_ok(0, "first");
    cr_expect_eq(world.ends, 0);
    finish_ok(1, "second");
    cr_assert_eq(world.ends, 1);
    check_summary(3, 3);
    json_t *root = take_reply();
    cr_expect_str_eq(text_at(response(root, 0), "body"), "first");
    cr_expect_str_eq(text_at(response(root, 1), "body"), "second");
    cr_expect_str_eq(text_at(response(root, 2), "body"), "third");
    cr_expect_str_eq(text_at(response(root, 2), "id"), "2");
    json_decref(root);
    gather_free(world.gather);
    cr_expect_eq(world.fetcher.cancelled_count, 0);
    cr_expect_eq(world.loop.timer_count, 0, "the deadline is still set");
}

Test(gather, concurrency_bounds_what_runs_and_the_rest_follows_in_order)
{
    start("{'urls': ['a', 'b', 'c', 'd', 'e'], 'concurrency': 2}");
    cr_assert_eq(world.fetcher.started_count, 2);
    finish_ok(1, "");
    cr_assert_eq(world.fetcher.started_count, 3);
    cr_expect(fixture_is(world.fetcher.started[2]->url, "c"));
    finish_ok(2, "");
    finish_ok(0, "");
    cr_assert_eq(world.fetcher.started_count, 5);
    finish_ok(3, "");
    cr_expect_eq(world.ends, 0);
    finish_ok(4, "");
    cr_expect_eq(world.ends, 1);
    gather_free(world.gather);
}

Test(gather, the_servers_concurrency_counts_too)
{
    world.config.batch.concurrency = 1;
    start("['a', 'b']");
    cr_expect_eq(world.fetcher.started_count, 1);
    gather_free(world.gather);
}

Test(gather, a_failed_item_fails_alone)
{
    start("['a', 'b']");
    struct outcome outcome = {.code = CALL_CONNECT, .message = "connection refused"};
    finish(0, &outcome);
    finish_ok(1, "x");
    check_summary(2, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "connect");
    cr_expect_str_eq(message_of(root, 0), "connection refused");
    cr_expect_str_eq(text_at(response(root, 1), "body"), "x");
    cr_expect_eq(
        json_integer_value(json_object_get(json_object_get(root, "summary"), "failed")),
        1);
    json_decref(root);
    gather_free(world.gather);
    check_metric("batches_total{result=\"partial\"} 1");
    check_metric("items_total{code=\"ok\"} 1");
    check_metric("items_total{code=\"connect\"} 1");
}

Test(gather, the_deadline_ends_what_is_not_done_and_names_its_phase)
{
    start("{'requests': [{'id': 'x', 'url': 'a'}, 'b', 'c', 'd', 'e', 'f'], "
          "'deadlineMs': 200,"
          " 'concurrency': 5, 'include': ['timing', 'body']}");
    finish_ok(0, "done");
    cr_assert_eq(world.fetcher.started_count, 6);
    world.fetcher.started[2]->phase = PHASE_CONNECTING;
    world.fetcher.started[3]->phase = PHASE_WAITING;
    world.fetcher.started[4]->phase = PHASE_RECEIVING;
    run_timers_at(clock_now_ms() + 100);
    cr_expect_eq(world.ends, 0, "too early");
    run_timers_at(clock_now_ms() + 201);
    cr_assert_eq(world.ends, 1);
    cr_expect_eq(world.fetcher.cancelled_count, 5);
    check_summary(6, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(text_at(response(root, 0), "body"), "done");
    static const char *const phases[] = {"waiting in the queue", "connecting",
                                         "waiting for the first byte",
                                         "receiving the reply", "waiting in the queue"};
    for (size_t i = 1; i < 6; i++) {
        cr_expect_str_eq(code_of(root, i), "deadline");
        cr_expect(strstr(message_of(root, i), phases[i - 1]) != NULL, "%s",
                  message_of(root, i));
        cr_expect(strstr(message_of(root, i), "200 ms") != NULL, "%s",
                  message_of(root, i));
        json_t *timing = json_object_get(response(root, i), "timing");
        cr_expect(json_number_value(json_object_get(timing, "total")) >= 0);
        cr_expect_eq(json_integer_value(json_object_get(timing, "wait")), -1);
    }
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, items_that_never_started_end_at_the_deadline_too)
{
    start("{'urls': ['a', 'b', 'c'], 'concurrency': 1, 'deadlineMs': 50, 'include': "
          "['timing']}");
    run_timers_at(clock_now_ms() + 51);
    cr_assert_eq(world.ends, 1);
    cr_expect_eq(world.fetcher.started_count, 1);
    cr_expect_eq(world.fetcher.cancelled_count, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 2), "deadline");
    cr_expect(strstr(message_of(root, 2), "not started") != NULL);
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, a_call_dispatched_before_the_deadline_tells_how_long_it_queued)
{
    start("{'urls': ['a'], 'deadlineMs': 50, 'include': ['timing']}");
    world.fetcher.started[0]->queued_us -= 50000;
    world.fetcher.started[0]->started_us = world.fetcher.started[0]->queued_us + 20000;
    world.fetcher.started[0]->phase = PHASE_WAITING;
    run_timers_at(clock_now_ms() + 51);
    json_t *root = take_reply();
    json_t *timing = json_object_get(response(root, 0), "timing");
    cr_expect_eq(json_number_value(json_object_get(timing, "blocked")), 20.0);
    cr_expect(json_number_value(json_object_get(timing, "total")) >= 50);
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, end_now_cancels_and_answers_once)
{
    start("['a', 'b']");
    finish_ok(0, "x");
    gather_end_now(world.gather, CALL_CANCELLED);
    gather_end_now(world.gather, CALL_CANCELLED);
    run_timers_at(clock_now_ms() + 1000000);
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 1), "cancelled");
    cr_expect_eq(json_integer_value(json_object_get(response(root, 1), "status")), 499);
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, it_may_be_freed_at_its_end_by_an_outcome)
{
    world.free_at_end = true;
    start("['a']");
    finish_ok(0, "x");
    cr_expect_eq(world.ends, 1);
}

Test(gather, it_may_be_freed_at_its_end_by_the_deadline)
{
    world.free_at_end = true;
    start("['a', 'b']");
    run_timers_at(clock_now_ms() + 1000000);
    cr_expect_eq(world.ends, 1);
    cr_expect_eq(world.fetcher.cancelled_count, 2);
}

Test(gather, freeing_cancels_without_an_end)
{
    start("{'urls': ['a', 'b', 'c', 'd'], 'concurrency': 3}");
    finish_ok(1, "x");
    gather_free(world.gather);
    cr_expect_eq(world.ends, 0);
    cr_expect_eq(world.fetcher.cancelled_count, 3);
    run_timers_at(clock_now_ms() + 1000000);
    cr_expect_eq(world.ends, 0, "the timer is still set");
    check_metric("batches_total{result=\"gone\"} 1");
    check_metric("items_total{code=\"cancelled\"} 3");
    check_metric("batches_in_flight 0");
    gather_free(NULL);
}

Test(gather, a_batch_of_nothing_ends_from_the_timer)
{
    struct batch *batch = calloc(1, sizeof *batch);
    start_batch(batch);
    run_timers_at(clock_now_ms() + 1);
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    cr_expect_eq(json_array_size(json_object_get(root, "responses")), 0);
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, metrics_tell_what_happened)
{
    start("['a', 'b']");
    check_metric("batches_in_flight 1");
    finish_ok(0, "x");
    finish_ok(1, "y");
    check_metric("batches_in_flight 0");
    check_metric("batches_total{result=\"complete\"} 1");
    check_metric("batch_duration_seconds_count 1");
    gather_free(world.gather);
}
