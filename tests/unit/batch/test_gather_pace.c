/* SPDX-License-Identifier: Apache-2.0 */
/* A gather whose responses are handed on, and which waits for their reader. */
#include "unit/batch/gather_fixture.h"

static struct {
    struct buffer lines; /* what was handed on, one a line */
    size_t count;
    uint64_t held;
    size_t pause_at; /* pause at so many responses; 0: never */
} reader;

static void on_response(struct gather *gather, const struct item *item, struct slice json,
                        void *context)
{
    cr_assert_eq(context, &world);
    cr_assert_not_null(item);
    buffer_append(&reader.lines, json.data, json.len);
    buffer_append_byte(&reader.lines, '\n');
    if (++reader.count == reader.pause_at)
        gather_pause(gather);
}

static uint64_t held(void *context)
{
    cr_assert_eq(context, &world);
    return reader.held;
}

static void open_reader(void)
{
    open_world();
    memset(&reader, 0, sizeof reader);
    buffer_init(&reader.lines, SIZE_MAX / 2);
}

static void close_reader(void)
{
    buffer_done(&reader.lines);
    close_world();
}

TestSuite(gather_pace, .init = open_reader, .fini = close_reader);

static void stream(const char *document)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_quoted(document, &errors);
    cr_assert_not_null(batch);
    const struct gather_setup setup = {
        .loop = &world.loop,
        .fetcher = &world.fetcher,
        .config = &world.config,
        .budgets = &world.budgets,
        .metrics = world.metrics,
        .on_end = on_end,
        .on_response = on_response,
        .held = held,
        .context = &world,
    };
    world.batch = batch;
    world.gather = gather_start(&setup, batch);
}

static void stream_many(size_t count)
{
    char document[4096] = "[";
    for (size_t i = 0; i < count; i++)
        strcat(document, i ? ",'u'" : "'u'");
    stream(strcat(document, "]"));
}

/* The call runs, or waits for its turn. */
static void set_running(size_t n)
{
    world.fetcher.started[n]->phase = PHASE_WAITING;
    world.fetcher.started[n]->pair = NULL;
}

static void set_waiting(size_t n)
{
    static char anything;
    world.fetcher.started[n]->phase = PHASE_QUEUED;
    world.fetcher.started[n]->pair = (struct pair *)(void *)&anything;
}

Test(gather_pace, responses_are_handed_on_in_the_order_items_end_and_not_kept)
{
    stream("['a', 'b']");
    finish_ok(1, "second");
    cr_expect_str_eq(buffer_text(&reader.lines),
                     "{\"id\":\"1\",\"status\":200,\"headers\":{},\"body\":\"second\","
                     "\"bodyEncoding\":"
                     "\"text\"}\n");
    cr_expect_eq(budget_held(&world.budgets.reply_bytes), 0);
    finish_ok(0, "first");
    cr_expect_eq(world.ends, 1);
    cr_expect_eq(reader.count, 2);
    check_summary(2, 2);
    gather_free(world.gather);
}

Test(gather_pace, paused_it_starts_nothing_until_it_is_resumed)
{
    stream("{'urls': ['a', 'b', 'c', 'd'], 'concurrency': 2}");
    reader.pause_at = 1;
    set_running(0);
    set_running(1);
    finish_ok(0, "");
    finish_ok(1, "");
    cr_expect_eq(world.fetcher.started_count, 2);
    gather_resume(world.gather);
    cr_expect_eq(world.fetcher.started_count, 4);
    gather_free(world.gather);
}

Test(gather_pace, a_pause_takes_back_what_only_waits)
{
    stream_many(100);
    cr_assert_eq(world.fetcher.started_count, 100);
    for (size_t i = 0; i < 100; i++)
        i % 2 ? set_waiting(i) : set_running(i);
    reader.pause_at = 1;
    finish_ok(0, "");
    cr_expect_eq(world.fetcher.cancelled_count, 50);
    gather_pause(world.gather);
    gather_resume(world.gather);
    cr_expect_eq(world.fetcher.started_count, 100, "as many run as did");
    finish_ok(2, "");
    cr_assert_eq(world.fetcher.started_count, 102, "and one more for each that ends");
    cr_expect_eq(world.fetcher.started[100], &world.batch->items[1].call, "in order");
    cr_expect_eq(world.fetcher.started[101], &world.batch->items[3].call);
    set_waiting(100);
    set_running(101);
    gather_pause(world.gather);
    cr_expect_eq(world.fetcher.cancelled_count, 51);
    gather_resume(world.gather);
    cr_expect_eq(world.fetcher.started_count, 102);
    finish_ok(101, "");
    cr_assert_eq(world.fetcher.started_count, 104);
    cr_expect_eq(world.fetcher.started[102], &world.batch->items[1].call);
    gather_free(world.gather);
}

Test(gather_pace, each_item_has_one_response_after_it_was_taken_back)
{
    stream_many(60);
    for (size_t i = 0; i < 60; i++)
        i >= 30 ? set_waiting(i) : set_running(i);
    reader.pause_at = 1;
    finish_ok(0, "");
    cr_expect_eq(world.fetcher.cancelled_count, 30);
    for (size_t i = 1; i < 30; i++)
        finish_ok(i, "");
    gather_resume(world.gather);
    for (size_t i = 60; i < world.fetcher.started_count; i++)
        finish_ok(i, "");
    cr_expect_eq(world.ends, 1);
    cr_expect_eq(reader.count, 60);
    cr_expect_eq(world.fetcher.started_count, 90);
    check_summary(60, 60);
    gather_free(world.gather);
}

Test(gather_pace, what_may_be_tried_again_is_taken_back_too)
{
    stream("{'urls': ['a', 'b', 'c'], 'defaults': {'retries': 1}}");
    for (size_t i = 1; i < 3; i++)
        set_waiting(i);
    reader.pause_at = 1;
    finish_ok(0, "");
    cr_expect_eq(world.fetcher.cancelled_count, 2);
    gather_resume(world.gather);
    cr_assert_eq(world.fetcher.started_count, 5);
    finish_ok(3, "");
    finish_ok(4, "");
    cr_expect_eq(world.ends, 1);
    check_summary(3, 3);
    gather_free(world.gather);
}

Test(gather_pace, what_has_its_values_is_taken_back_too_and_keeps_them)
{
    stream("{'requests': ['a', {'url': 'http://h/{{0.status}}'},"
           " {'url': 'c', 'dependsOn': ['0']}, {'url': 'd', 'dependsOn': ['1']}]}");
    finish_ok(0, "");
    cr_assert_eq(world.fetcher.started_count, 3);
    set_waiting(1);
    set_waiting(2);
    gather_pause(world.gather);
    cr_expect_eq(world.fetcher.cancelled_count, 2);
    gather_resume(world.gather);
    cr_assert_eq(world.fetcher.started_count, 5, "what waits for one of them still does");
    cr_expect(slice_is(world.fetcher.started[3]->url, "http://h/200"));
    finish_ok(3, "");
    cr_assert_eq(world.fetcher.started_count, 6);
    finish_ok(4, "");
    finish_ok(5, "");
    cr_expect_eq(world.ends, 1);
    cr_expect_eq(reader.count, 4);
    check_summary(4, 4);
    gather_free(world.gather);
}

Test(gather_pace, a_few_may_always_run_at_once)
{
    stream_many(40);
    for (size_t i = 1; i < 40; i++)
        set_waiting(i);
    reader.pause_at = 1;
    finish_ok(0, "");
    gather_resume(world.gather);
    cr_expect_eq(world.fetcher.started_count, 40 + 16);
    gather_free(world.gather);
}

Test(gather_pace, what_was_taken_back_answers_at_the_deadline_too)
{
    stream_many(20);
    for (size_t i = 1; i < 20; i++)
        set_waiting(i);
    reader.pause_at = 1;
    finish_ok(0, "");
    run_timers_at(world.loop.now_ms + 1000000000);
    cr_expect_eq(world.ends, 1);
    cr_expect_eq(reader.count, 20);
    check_summary(20, 1);
    gather_free(world.gather);
}

Test(gather_pace, while_it_ends_a_pause_takes_nothing_back)
{
    stream_many(20);
    for (size_t i = 0; i < 20; i++)
        set_waiting(i);
    reader.pause_at = 5;
    gather_end_now(world.gather, CALL_CANCELLED);
    cr_expect_eq(world.ends, 1);
    cr_expect_eq(reader.count, 20);
    gather_resume(world.gather);
    cr_expect_eq(world.fetcher.started_count, 20);
    gather_free(world.gather);
}

Test(gather_pace, what_is_held_for_the_reader_counts_against_the_batchs_ceiling)
{
    world.config.batch.reply_max_bytes = 10000;
    stream("['a', 'b', 'c']");
    reader.held = 9000;
    finish_large(0, 4500, 'x');
    cr_expect_null(strstr(buffer_text(&reader.lines), "too_large"));
    finish_large(1, 8000, 'x');
    cr_expect_not_null(strstr(buffer_text(&reader.lines), "too_large"));
    reader.held = 0;
    finish_large(2, 8000, 'x');
    check_summary(3, 2);
    gather_free(world.gather);
}

Test(gather_pace, memory_for_a_large_response_is_not_kept)
{
    stream("['a', 'b']");
    finish_large(0, 1000000, 'x');
    finish_ok(1, "small");
    cr_expect_gt(reader.lines.len, 1000000);
    cr_expect_not_null(memmem(reader.lines.data, reader.lines.len, "\"small\"", 7));
    gather_free(world.gather);
}
