/* SPDX-License-Identifier: Apache-2.0 */
/* A batch under test: a fetcher that does what the test says (the stand-in for
 * fetch/fetcher*.c, which are therefore not linked), a loop whose time the test sets, and
 * the reply read back as a tree. Included by one test file per program. */
#pragma once

#include "batch/gather.h"

#include "base/clock.h"
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

enum { CALLS_MAX = 20000 };

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

void fetcher_end_flow(struct fetcher *fetcher, struct flow *flow)
{
    (void)fetcher;
    flow_set_over(flow);
}

/* One batch under test and all it needs. */
static struct {
    struct loop loop;
    struct fetcher fetcher;
    struct config config;
    struct budgets budgets;
    struct metrics_shard *metrics;
    struct batch *batch; /* the gather's */
    struct gather *gather;
    const struct terms *terms; /* NULL: none */
    int ends;
    bool free_at_end;
} world;

static inline void on_end(struct gather *gather, void *context)
{
    cr_assert_eq(context, &world);
    world.ends++;
    if (world.free_at_end)
        gather_free(gather);
}

static inline void open_world(void)
{
    memset(&world, 0, sizeof world);
    struct error error;
    cr_assert(loop_init(&world.loop, &error), "%s", error.text);
    world.config = fixture_config();
    world.budgets.reply_bytes.max = UINT64_MAX;
    world.budgets.request_bytes.max = UINT64_MAX;
    world.metrics = metrics_shard_new();
}

static inline void close_world(void)
{
    cr_expect_eq(budget_held(&world.budgets.reply_bytes), 0, "bytes are still counted");
    cr_expect_eq(budget_held(&world.budgets.request_bytes), 0, "bytes are still counted");
    metrics_shard_free(world.metrics);
    loop_done(&world.loop);
}

static inline void start_batch(struct batch *batch)
{
    const struct gather_setup setup = {
        .loop = &world.loop,
        .fetcher = &world.fetcher,
        .config = &world.config,
        .budgets = &world.budgets,
        .metrics = world.metrics,
        .terms = world.terms,
        .on_end = on_end,
        .context = &world,
    };
    world.batch = batch;
    world.gather = gather_start(&setup, batch);
    cr_assert_eq(world.ends, 0, "ended inside gather_start");
}

static inline void start(const char *document)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_quoted(document, &errors);
    cr_assert_not_null(batch);
    start_batch(batch);
}

/* The n-th started call ends. */
static inline void finish(size_t n, const struct outcome *outcome)
{
    struct call *call = world.fetcher.started[n];
    cr_assert_neq(call->phase, PHASE_IDLE);
    call->phase = PHASE_IDLE;
    call->on_done(call, outcome);
}

static inline void finish_ok(size_t n, const char *body)
{
    struct outcome outcome = {.code = CALL_OK,
                              .status = 200,
                              .content_type = slice_from("text/plain"),
                              .has_body = true,
                              .body = slice_from(body)};
    finish(n, &outcome);
}

static inline void finish_large(size_t n, size_t size, char fill)
{
    char *bytes = malloc(size);
    memset(bytes, fill, size);
    struct outcome outcome = {.code = CALL_OK,
                              .status = 200,
                              .has_body = true,
                              .body = slice_make(bytes, size)};
    finish(n, &outcome);
    free(bytes);
}

static inline void run_timers_at(uint64_t now_ms)
{
    world.loop.now_ms = now_ms;
    loop_run_due(&world.loop);
}

/* The reply as a tree; gives the bytes back. */
static inline json_t *take_reply(void)
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

static inline json_t *response(const json_t *root, size_t index)
{
    return json_array_get(json_object_get(root, "responses"), index);
}

static inline const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "(none)";
}

static inline const char *code_of(const json_t *root, size_t index)
{
    return text_at(json_object_get(response(root, index), "error"), "code");
}

static inline const char *message_of(const json_t *root, size_t index)
{
    return text_at(json_object_get(response(root, index), "error"), "message");
}

static inline void check_summary(size_t total, size_t ok)
{
    struct gather_summary summary = gather_summary(world.gather);
    cr_expect_eq(summary.total, total);
    cr_expect_eq(summary.ok, ok);
    cr_expect_eq(summary.failed, total - ok);
    cr_expect(summary.elapsed_ms >= 0);
}
