/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts under test, on a fetcher that does what the test says and a clock it sets. One
 * test file per program. */
#pragma once

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

static inline void on_done(void *context, const struct outcome *outcome)
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

static inline void begin(unsigned retries)
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

static inline void open_all(void)
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

static inline void close_all(void)
{
    cr_expect_eq(world.budgets.retries.at_work, 0, "an attempt was not given back");
    cr_expect_eq(world.loop.timer_count, 0, "a timer is left");
    cr_expect_eq(budget_held(&world.budgets.request_bytes), 0, "its memory is counted");
    close_world();
}

static inline size_t started(void)
{
    return world.fetcher.started_count;
}

static inline struct call *nth(size_t n)
{
    cr_assert_gt(started(), n);
    return world.fetcher.started[n];
}

static inline void answer(size_t n, int status)
{
    struct outcome outcome = {.code = CALL_OK, .status = status};
    outcome.timing.remote_address = "192.0.2.1:80";
    finish(n, &outcome);
}

static inline void fail(size_t n, enum call_code code)
{
    struct outcome outcome = {.code = code, .message = "so"};
    finish(n, &outcome);
}

static inline void pass(uint64_t ms)
{
    run_timers_at(world.loop.now_ms + ms);
}

static inline void dispatch(size_t n)
{
    nth(n)->started_us = world.loop.now_ms * 1000;
    nth(n)->phase = PHASE_WAITING;
    if (nth(n)->on_dispatch)
        cr_assert(nth(n)->on_dispatch(nth(n)));
}

static const struct slice others[] = {{"http://b/", 9}, {"http://c/", 9}};

static inline void give_alternatives(void)
{
    options.alternatives = others;
    options.alternative_count = 2;
}
