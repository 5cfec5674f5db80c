/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of 10,000 items: no step of theirs is so long that others would notice. */
#include "unit/batch/gather_fixture.h"

TestSuite(gather_large, .init = open_world, .fini = close_world);

enum { ITEMS = 10000, TURNS_MAX = 1000 };

static void turn(void)
{
    loop_touch(&world.loop);
    loop_run_due(&world.loop);
}

static void start_large(void)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < ITEMS; i++)
        buffer_append_text(&text, i ? ",\"u\"" : "[\"u\"");
    buffer_append_byte(&text, ']');
    world.config.batch.max_items = ITEMS;
    struct parse_errors errors;
    struct batch *batch = parse_batch(
        buffer_slice(&text), &(struct parse_setup){.config = &world.config}, &errors);
    buffer_done(&text);
    cr_assert_not_null(batch);
    start_batch(batch);
}

static void start_all(void)
{
    start_large();
    for (int i = 0; i < TURNS_MAX && world.fetcher.started_count < ITEMS; i++)
        turn();
    cr_assert_eq(world.fetcher.started_count, ITEMS);
}

Test(gather_large, starts_its_items_in_slices)
{
    start_large();
    size_t before = 0;
    while (world.fetcher.started_count < ITEMS) {
        cr_assert_leq(world.fetcher.started_count - before, 2048);
        before = world.fetcher.started_count;
        turn();
        cr_assert_gt(world.fetcher.started_count, before);
    }
    gather_free(world.gather);
    cr_assert_eq(world.fetcher.cancelled_count, ITEMS);
}

Test(gather_large, starts_no_more_when_an_item_ends_before_its_turn)
{
    start_large();
    size_t before = world.fetcher.started_count;
    finish_ok(0, "x");
    cr_assert_eq(world.fetcher.started_count, before);
    turn();
    cr_assert_gt(world.fetcher.started_count, before);
    gather_free(world.gather);
}

/* How many of the reply's items have this code ("" for those that were answered). */
static size_t count_code(json_t *root, const char *code)
{
    size_t found = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        bool is_ok = !json_object_get(response(root, i), "error");
        found += is_ok ? *code == '\0' : strcmp(code_of(root, i), code) == 0;
    }
    return found;
}

Test(gather_large, ends_early_in_slices_between_which_calls_may_end)
{
    start_all();
    gather_end_now(world.gather, CALL_CANCELLED);
    gather_end_now(world.gather, CALL_DEADLINE);
    cr_assert_eq(world.ends, 0);
    size_t before = world.fetcher.cancelled_count;
    cr_assert_leq(before, 512);
    finish_ok(ITEMS - 1, "x");
    finish_ok(ITEMS / 2, "x");
    for (int i = 0; i < TURNS_MAX && world.ends == 0; i++) {
        turn();
        cr_assert_leq(world.fetcher.cancelled_count - before, 512);
        before = world.fetcher.cancelled_count;
    }
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    cr_expect_eq(count_code(root, ""), 2);
    cr_expect_eq(count_code(root, "cancelled"), ITEMS - 2);
    json_decref(root);
    gather_free(world.gather);
}

Test(gather_large, may_be_ended_before_all_was_started)
{
    start_large();
    gather_end_now(world.gather, CALL_CANCELLED);
    size_t started = world.fetcher.started_count;
    for (int i = 0; i < TURNS_MAX && world.ends == 0; i++)
        turn();
    cr_assert_eq(world.ends, 1);
    cr_assert_eq(world.fetcher.started_count, started);
    gather_free(world.gather);
}

Test(gather_large, may_be_freed_between_two_slices)
{
    start_large();
    gather_end_now(world.gather, CALL_CANCELLED);
    gather_free(world.gather);
    turn();
    cr_assert_eq(world.ends, 0);
}

Test(gather_large, ends_with_its_last_calls_when_they_are_faster_than_the_slices)
{
    start_all();
    gather_end_now(world.gather, CALL_CANCELLED);
    for (size_t i = world.fetcher.cancelled_count; i < ITEMS; i++)
        finish_ok(i, "x");
    cr_assert_eq(world.ends, 1);
    turn();
    gather_free(world.gather);
}

Test(gather_large, items_may_end_in_any_order)
{
    start_all();
    for (size_t i = 0; i < ITEMS; i++) {
        char body[16];
        size_t n = i * 7919 % ITEMS; /* a prime: every item once */
        snprintf(body, sizeof body, "n%zu", n);
        finish_ok(n, body);
    }
    cr_assert_eq(world.ends, 1);
    json_t *root = take_reply();
    for (size_t i = 0; i < ITEMS; i++)
        cr_assert_eq(strtoul(text_at(response(root, i), "body") + 1, NULL, 10), i);
    json_decref(root);
    gather_free(world.gather);
}

/* Or else the time of a large batch grows with its square. */
Test(gather_large, the_block_of_many_failures_moves_seldom)
{
    start_all();
    struct batch *batch = world.batch;
    struct outcome outcome = {.code = CALL_CONNECT, .message = "connection refused"};
    size_t moves = 0;
    for (size_t i = 0; i + 1 < ITEMS; i++) {
        size_t before = batch->segments[i / batch->segment_items].block.cap;
        finish(i, &outcome);
        moves += batch->segments[i / batch->segment_items].block.cap != before;
    }
    cr_expect_leq(moves, 10 * batch->segment_count, "moved %zu times", moves);
    gather_free(world.gather);
}
