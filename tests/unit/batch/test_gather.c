/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a batch against a fetcher that does what the test says: when calls start, when they
 * end, and that a batch ends exactly once with one response per item. */
#include "batch/gather.h"

#include "base/clock.h"
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

enum { CALLS_MAX = 20000 };

/* The stand-in for fetch/fetcher.c, which is therefore not linked. */
struct fetcher {
    struct call *started[CALLS_MAX];
    size_t started_count;
    size_t cancelled_count;
};

void fetcher_start(struct fetcher *fetcher, struct call *call)
{
    cr_assert_not_null(call->on_done);
    call->queued_us = clock_now_us();
    call->phase = PHASE_QUEUED;
    fetcher->started[fetcher->started_count++] = call;
}

void fetcher_cancel(struct fetcher *fetcher, struct call *call)
{
    cr_assert_neq(call->phase, PHASE_IDLE);
    call->phase = PHASE_IDLE;
    fetcher->cancelled_count++;
}

/* One batch under test and all it needs. */
static struct {
    struct loop loop;
    struct fetcher fetcher;
    struct config config;
    struct budgets budgets;
    struct metrics_shard *metrics;
    struct gather *gather;
    int ends;
    bool free_at_end;
} world;

static void on_end(struct gather *gather, void *context)
{
    cr_assert_eq(context, &world);
    world.ends++;
    if (world.free_at_end)
        gather_free(gather);
}

static void open_world(void)
{
    memset(&world, 0, sizeof world);
    struct error error;
    cr_assert(loop_init(&world.loop, &error), "%s", error.text);
    world.config = fixture_config();
    world.budgets.reply_bytes.max = UINT64_MAX;
    world.metrics = metrics_shard_new();
}

static void close_world(void)
{
    cr_expect_eq(budget_held(&world.budgets.reply_bytes), 0, "bytes are still counted");
    metrics_shard_free(world.metrics);
    loop_done(&world.loop);
}

TestSuite(gather, .init = open_world, .fini = close_world);

static void start(const char *document)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_quoted(document, &errors);
    cr_assert_not_null(batch);
    struct gather_setup setup = {
        .loop = &world.loop,
        .fetcher = &world.fetcher,
        .config = &world.config,
        .budgets = &world.budgets,
        .metrics = world.metrics,
        .on_end = on_end,
        .context = &world,
    };
    world.gather = gather_start(&setup, batch);
    cr_assert_eq(world.ends, 0, "ended inside gather_start");
}

/* The n-th started call ends. */
static void finish(size_t n, const struct outcome *outcome)
{
    struct call *call = world.fetcher.started[n];
    cr_assert_neq(call->phase, PHASE_IDLE);
    call->phase = PHASE_IDLE;
    call->on_done(call, outcome);
}

static void finish_ok(size_t n, const char *body)
{
    struct outcome outcome = {
        .code = CALL_OK,
        .status = 200,
        .content_type = slice_from("text/plain"),
        .has_body = true,
        .body = slice_from(body),
    };
    finish(n, &outcome);
}

static void finish_large(size_t n, size_t size, char fill)
{
    char *bytes = malloc(size);
    memset(bytes, fill, size);
    struct outcome outcome = {
        .code = CALL_OK,
        .status = 200,
        .has_body = true,
        .body = slice_make(bytes, size),
    };
    finish(n, &outcome);
    free(bytes);
}

static void run_timers_at(uint64_t now_ms)
{
    world.loop.now_ms = now_ms;
    loop_run_due(&world.loop);
}

/* The reply as a tree; gives the bytes back. */
static json_t *take_reply(void)
{
    struct gather_piece pieces[GATHER_PIECES_MAX];
    uint64_t counted;
    size_t count = gather_reply(world.gather, pieces, &counted);
    cr_assert(count > 0);
    struct buffer whole;
    buffer_init(&whole, SIZE_MAX / 2);
    for (size_t i = 0; i < count; i++) {
        buffer_append(&whole, pieces[i].data, pieces[i].len);
        free(pieces[i].data);
    }
    cr_expect_eq(whole.len, counted);
    cr_expect_eq(budget_held(&world.budgets.reply_bytes), counted);
    budget_give(&world.budgets.reply_bytes, counted);
    json_error_t error;
    json_t *root = json_loadb(whole.data, whole.len, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(root, "%s", error.text);
    buffer_done(&whole);
    return root;
}

static json_t *response(const json_t *root, size_t index)
{
    return json_array_get(json_object_get(root, "responses"), index);
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "(none)";
}

static const char *code_of(const json_t *root, size_t index)
{
    return text_at(json_object_get(response(root, index), "error"), "code");
}

static const char *message_of(const json_t *root, size_t index)
{
    return text_at(json_object_get(response(root, index), "error"), "message");
}

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

static void check_summary(const struct gather *gather, size_t total, size_t ok)
{
    struct gather_summary summary = gather_summary(gather);
    cr_expect_eq(summary.total, total);
    cr_expect_eq(summary.ok, ok);
    cr_expect_eq(summary.failed, total - ok);
    cr_expect(summary.elapsed_ms >= 0);
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
    check_summary(world.gather, 3, 3);
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
    check_summary(world.gather, 2, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "connect");
    cr_expect_str_eq(message_of(root, 0), "connection refused");
    cr_expect_str_eq(text_at(response(root, 1), "body"), "x");
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(root, "summary"), "failed")), 1);
    json_decref(root);
    gather_free(world.gather);
    check_metric("batches_total{result=\"partial\"} 1");
    check_metric("items_total{code=\"ok\"} 1");
    check_metric("items_total{code=\"connect\"} 1");
}

Test(gather, the_deadline_ends_what_is_not_done_and_names_its_phase)
{
    start("{'requests': [{'id': 'x', 'url': 'a'}, 'b', 'c', 'd', 'e', 'f'], 'deadlineMs': 200,"
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
    check_summary(world.gather, 6, 1);
    json_t *root = take_reply();
    cr_expect_str_eq(text_at(response(root, 0), "body"), "done");
    static const char *const phases[] = {"waiting in the queue", "connecting",
                                         "waiting for the first byte", "receiving the reply",
                                         "waiting in the queue"};
    for (size_t i = 1; i < 6; i++) {
        cr_expect_str_eq(code_of(root, i), "deadline");
        cr_expect(strstr(message_of(root, i), phases[i - 1]) != NULL, "%s", message_of(root, i));
        cr_expect(strstr(message_of(root, i), "200 ms") != NULL, "%s", message_of(root, i));
        json_t *timing = json_object_get(response(root, i), "timing");
        cr_expect(json_number_value(json_object_get(timing, "total")) >= 0);
        cr_expect_eq(json_integer_value(json_object_get(timing, "wait")), -1);
    }
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, items_that_never_started_end_at_the_deadline_too)
{
    start("{'urls': ['a', 'b', 'c'], 'concurrency': 1, 'deadlineMs': 50, 'include': ['timing']}");
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
    struct gather_setup setup = {
        .loop = &world.loop,
        .fetcher = &world.fetcher,
        .config = &world.config,
        .budgets = &world.budgets,
        .metrics = world.metrics,
        .on_end = on_end,
        .context = &world,
    };
    world.gather = gather_start(&setup, batch);
    cr_assert_eq(world.ends, 0);
    run_timers_at(clock_now_ms() + 1);
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    cr_expect_eq(json_array_size(json_object_get(root, "responses")), 0);
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, bodies_beyond_the_batchs_ceiling_fail_alone)
{
    world.config.batch.reply_max_bytes = 100000;
    start("{'urls': ['a', 'b', 'c', 'd', 'e'], 'include': ['body', 'timing']}");
    finish_large(0, 60000, 'x');
    finish_large(1, 60000, 'y'); /* does not fit */
    finish_large(2, 1000, 'z');
    finish_large(3, 15000, '\x01'); /* escaped six times as long */
    finish_ok(4, "last");
    check_summary(world.gather, 5, 3);
    json_t *root = take_reply();
    cr_expect_eq(json_string_length(json_object_get(response(root, 0), "body")), 60000);
    cr_expect_str_eq(code_of(root, 1), "too_large");
    cr_expect_not_null(json_object_get(response(root, 1), "timing"));
    cr_expect_eq(json_string_length(json_object_get(response(root, 2), "body")), 1000);
    cr_expect_str_eq(code_of(root, 3), "too_large");
    cr_expect_str_eq(text_at(response(root, 4), "body"), "last");
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, failures_are_answered_even_when_nothing_fits)
{
    world.config.batch.reply_max_bytes = 1;
    start("['a', 'b', 'c']");
    struct outcome outcome = {.code = CALL_DNS, .message = "no such name"};
    finish(0, &outcome);
    finish_large(1, 10000, 'x');
    finish(2, &outcome);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "dns");
    cr_expect_str_eq(code_of(root, 1), "too_large");
    cr_expect_str_eq(code_of(root, 2), "dns");
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, the_largest_failure_fits_where_nothing_else_does)
{
    char id[129];
    memset(id, '\x7f', 128);
    id[128] = '\0';
    char document[300];
    snprintf(document, sizeof document, "[{'url': 'u', 'id': '%s'}]", id);
    world.config.batch.reply_max_bytes = 1;
    start(document);
    char message[1000];
    memset(message, 1, sizeof message);
    message[999] = '\0';
    struct outcome outcome = {.code = CALL_DNS, .message = message};
    finish(0, &outcome);
    json_t *root = take_reply();
    cr_expect_str_eq(code_of(root, 0), "dns");
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, large_bodies_become_pieces_in_order)
{
    start("['a', 'b', 'c', 'd']");
    finish_large(3, 300000, 'd');
    finish_large(1, 200000, 'b');
    finish_ok(0, "a");
    finish_large(2, 20000, 'c');
    json_t *root = take_reply();
    static const size_t sizes[] = {1, 200000, 20000, 300000};
    for (size_t i = 0; i < 4; i++) {
        json_t *body = json_object_get(response(root, i), "body");
        cr_expect_eq(json_string_length(body), sizes[i]);
        cr_expect_eq(json_string_value(body)[sizes[i] - 1], (char)('a' + i));
    }
    json_decref(root);
    gather_free(world.gather);
}

Test(gather, bytes_held_are_counted_while_it_runs)
{
    start("['a', 'b']");
    finish_large(0, 50000, 'x');
    cr_expect(budget_held(&world.budgets.reply_bytes) > 50000);
    gather_free(world.gather);
    cr_expect_eq(budget_held(&world.budgets.reply_bytes), 0);
}

Test(gather, ten_thousand_items_end_in_any_order)
{
    enum { COUNT = 10000 };
    world.config.batch.max_items = COUNT;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < COUNT; i++)
        buffer_append_text(&text, i ? ",\"u\"" : "[\"u\"");
    buffer_append_byte(&text, ']');
    struct parse_errors errors;
    struct batch *batch = parse_batch(buffer_slice(&text), &world.config, &errors);
    cr_assert_not_null(batch);
    buffer_done(&text);
    struct gather_setup setup = {
        .loop = &world.loop,
        .fetcher = &world.fetcher,
        .config = &world.config,
        .budgets = &world.budgets,
        .metrics = world.metrics,
        .on_end = on_end,
        .context = &world,
    };
    world.gather = gather_start(&setup, batch);
    for (size_t i = 0; i < COUNT; i++) {
        char body[16];
        size_t n = i * 7919 % COUNT; /* a prime: every item once */
        snprintf(body, sizeof body, "n%zu", n % 100000);
        finish_ok(n, body);
    }
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    for (size_t i = 0; i < COUNT; i++)
        cr_assert_eq(strtoul(text_at(response(root, i), "body") + 1, NULL, 10), i);
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
