/* SPDX-License-Identifier: Apache-2.0 */
/* The ways of one item:
 *
 *                    ┌───────────────── the next alternative ◄──────────────┐
 *                    ▼                                                      │
 *     start ──► one running ──hedge_after_ms──► two running ──one failed──► ┤
 *                 │  ▲  │                          │                        │
 *                 │  │  └─failed──► waiting        │ one is good            │ none left:
 *                 │  └───again──────┘   (timer)    ▼                        ▼ the other
 * one └──good, or failed for good──► on_done ◄──────────── one running
 *
 * An outcome lives inside the fetcher's callback only, so all is decided there: what is
 * not the end is dropped, and its record kept. Called by item_run.c. */
#include "batch/attempts.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/random.h"
#include "batch/expect.h"
#include "fetch/retry.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    AT_ONCE = 2,
    LOOK_MS = 100, /* whether a shared call has its slot now */
};

struct attempt {
    struct call call;
    struct attempts *attempts;
    struct attempt_record *record;
    bool is_running;
    bool is_hedge;
    bool is_granted; /* by the retry budget: to be given back */
};

struct attempts {
    struct attempts_setup setup;
    struct attempt runs[AT_ONCE];
    struct timer again; /* the wait before a retry */
    struct timer hedge;
    struct slice again_url;
    bool is_again_elsewhere; /* again_url is an alternative */
    unsigned retried;
    unsigned requests; /* made so far, redirects included */
    size_t diverted;   /* alternatives used */
    bool has_hedged;
    uint64_t began_us;
    uint64_t answered_us; /* when the attempt that brought the outcome began; 0: none */
    uint64_t size;        /* of all this */
    size_t record_count;
    struct attempt_record records[]; /* room for all there can be */
};

/* ------------------------------------------------------------------------ starting */

static const struct item_options *options_of(const struct attempts *attempts)
{
    static const struct item_options none = {.hedge_after_ms = OPTION_NOT_GIVEN};
    return attempts->setup.options ? attempts->setup.options : &none;
}

static struct attempt *other_of(struct attempt *run)
{
    struct attempt *runs = run->attempts->runs;
    return run == &runs[0] ? &runs[1] : &runs[0];
}

static bool next_alternative(struct attempts *attempts, struct slice *ret_url)
{
    const struct item_options *options = options_of(attempts);
    if (attempts->diverted == options->alternative_count)
        return false;
    *ret_url = options->alternatives[attempts->diverted++];
    return true;
}

static uint64_t hedge_after_ms(const struct attempts *attempts)
{
    return (uint64_t)options_of(attempts)->hedge_after_ms;
}

static bool wants_hedge(const struct attempts *attempts)
{
    return !attempts->has_hedged && options_of(attempts)->hedge_after_ms >= 0;
}

static void arm_hedge(struct attempts *attempts, uint64_t at_ms)
{
    loop_timer_set(attempts->setup.loop, &attempts->hedge, at_ms);
}

/* The clock of a hedge begins here: beside an attempt that waits for a slot it would only
 * wait as well. */
static bool on_dispatch(struct call *call)
{
    struct attempts *attempts = container_of(call, struct attempt, call)->attempts;
    call_dispatch_fn *owners = attempts->setup.call->on_dispatch;
    if (wants_hedge(attempts))
        arm_hedge(attempts, attempts->setup.loop->now_ms + hedge_after_ms(attempts));
    return owners ? owners(call) : true;
}

static void on_attempt_done(struct call *call, const struct outcome *outcome);

/* `url` is the item's own, or an alternative's. */
static void start_run(struct attempts *attempts, struct attempt *run, struct slice url,
                      bool is_alternative)
{
    const struct attempts_setup *setup = &attempts->setup;
    bool is_first = attempts->record_count == 0;
    assert(!run->is_running);
    run->attempts = attempts;
    run->call = *setup->call;
    run->call.url = url;
    run->call.is_extra = !is_first;
    run->call.resends = attempts->requests;
    attempts->requests++;
    /* A hedge would only join the call it is to answer for. */
    run->call.coalesces = setup->call->coalesces && !run->is_hedge;
    run->call.on_done = on_attempt_done;
    if (wants_hedge(attempts)) /* a call that nobody asks about may run on any worker */
        run->call.on_dispatch = on_dispatch;
    run->is_running = true;
    run->record = &attempts->records[attempts->record_count++];
    fetcher_start(setup->fetcher, &run->call);
    if (is_first)
        attempts->began_us = run->call.queued_us;
    else
        rate_charge(&setup->call->flow->caller->items, setup->loop->now_us, 1);
    run->record->start_ms = (double)(run->call.queued_us - attempts->began_us) / 1000;
    if (is_alternative)
        run->record->url = url;
    if (run->call.coalesces && wants_hedge(attempts))
        arm_hedge(attempts, setup->loop->now_ms + hedge_after_ms(attempts));
}

static void on_again(struct timer *timer)
{
    struct attempts *attempts = container_of(timer, struct attempts, again);
    metrics_add(attempts->setup.metrics, METRIC_RETRIES, RETRY_SENT, 1);
    attempts->runs[0].is_granted = true;
    start_run(attempts, &attempts->runs[0], attempts->again_url,
              attempts->is_again_elsewhere);
}

static bool is_late(const struct attempts *attempts)
{
    return attempts->setup.loop->now_ms >= attempts->setup.call->deadline_ms;
}

static struct attempt *running_one(struct attempts *attempts)
{
    return attempts->runs[0].is_running ? &attempts->runs[0] : &attempts->runs[1];
}

/* False: not yet. Nobody tells when the call that others share is dispatched. */
static bool is_hedge_due(struct attempts *attempts, const struct attempt *run)
{
    uint64_t now_ms = attempts->setup.loop->now_ms;
    uint64_t after_ms = hedge_after_ms(attempts);
    uint64_t started_ms = fetcher_started_us(&run->call) / 1000;
    if (started_ms > 0 && now_ms >= started_ms + after_ms)
        return true;
    if (started_ms > 0)
        arm_hedge(attempts, started_ms + after_ms);
    else if (run->call.coalesces)
        arm_hedge(attempts, now_ms + (after_ms > LOOK_MS ? after_ms : LOOK_MS));
    return false;
}

/* What has begun to answer is not hedged. */
static void on_hedge(struct timer *timer)
{
    struct attempts *attempts = container_of(timer, struct attempts, hedge);
    const struct attempts_setup *setup = &attempts->setup;
    struct attempt *run = running_one(attempts);
    assert(run->is_running && !other_of(run)->is_running);
    if (!is_hedge_due(attempts, run))
        return;
    if (fetcher_phase(&run->call) == PHASE_RECEIVING || is_late(attempts))
        return;
    if (!retry_budget_take(&setup->budgets->retries, setup->loop->now_ms)) {
        metrics_add(setup->metrics, METRIC_HEDGES, HEDGE_OVER_BUDGET, 1);
        return;
    }
    struct slice url = run->call.url;
    bool is_elsewhere = next_alternative(attempts, &url);
    attempts->has_hedged = true;
    struct attempt *hedge = other_of(run);
    hedge->is_hedge = true;
    hedge->is_granted = true;
    start_run(attempts, hedge, url, is_elsewhere || run->record->url.data);
}

static size_t most_records(const struct attempts_setup *setup)
{
    size_t alternatives = setup->options ? setup->options->alternative_count : 0;
    bool hedges = setup->options && setup->options->hedge_after_ms >= 0;
    return 1 + setup->retries + alternatives + hedges;
}

struct attempts *attempts_start(const struct attempts_setup *setup)
{
    assert(setup->retries <= RETRIES_MAX);
    uint64_t size =
        sizeof(struct attempts) + most_records(setup) * sizeof(struct attempt_record);
    budget_force(&setup->budgets->request_bytes, size);
    struct attempts *attempts = memory_new(size);
    attempts->size = size;
    attempts->setup = *setup;
    attempts->again.on_due = on_again;
    attempts->hedge.on_due = on_hedge;
    start_run(attempts, &attempts->runs[0], setup->call->url, false);
    return attempts;
}

/* -------------------------------------------------------------------------- ending */

/* What is kept of an attempt that has ended, or is to be cancelled. */
static void close_run(struct attempt *run, enum call_code code)
{
    run->is_running = false;
    run->record->code = code;
    if (run->is_granted)
        retry_budget_give(&run->attempts->setup.budgets->retries);
    run->is_granted = false;
}

static void note(struct attempt_record *record, const struct outcome *outcome)
{
    record->status = outcome->status;
    record->total_ms = outcome->timing.total;
    if (outcome->timing.remote_address)
        snprintf(record->remote_address, sizeof record->remote_address, "%s",
                 outcome->timing.remote_address);
}

static void cancel_run(struct attempt *run, enum call_code code)
{
    if (!run->is_running)
        return;
    fetcher_cancel(run->attempts->setup.fetcher, &run->call);
    run->record->total_ms = (double)(clock_now_us() - run->call.queued_us) / 1000;
    close_run(run, code);
}

/* Whatever still runs or waits ends; `has_won`: the hedge's reply is the item's. */
static void stop(struct attempts *attempts, enum call_code code, bool has_won)
{
    struct loop *loop = attempts->setup.loop;
    if (timer_is_set(&attempts->again))
        retry_budget_give(&attempts->setup.budgets->retries);
    loop_timer_clear(loop, &attempts->again);
    loop_timer_clear(loop, &attempts->hedge);
    cancel_run(&attempts->runs[0], code);
    cancel_run(&attempts->runs[1], code);
    if (attempts->has_hedged)
        metrics_add(attempts->setup.metrics, METRIC_HEDGES,
                    has_won ? HEDGE_WON : HEDGE_LOST, 1);
}

/* `run` brought the outcome. The attempts may be gone when this returns. */
static void finish(struct attempt *run, struct outcome *outcome, bool has_won)
{
    struct attempts *attempts = run->attempts;
    attempts->answered_us = run->call.queued_us;
    stop(attempts, CALL_CANCELLED, has_won);
    outcome->attempts = attempts_records(attempts, &outcome->attempt_count);
    attempts->setup.on_done(attempts->setup.context, outcome);
}

/* The same again, after a wait that ends before the deadline. */
static bool repeat(struct attempts *attempts, const struct attempt *run,
                   const struct retry_facts *facts, const struct outcome *outcome)
{
    const struct attempts_setup *setup = &attempts->setup;
    uint64_t now_ms = setup->loop->now_ms;
    if (attempts->retried == setup->retries || !retry_may_repeat(facts))
        return false;
    uint64_t left_ms = is_late(attempts) ? 0 : setup->call->deadline_ms - now_ms;
    uint64_t backoff_ms = retry_backoff_ms(attempts->retried + 1, random_u64());
    uint64_t wait_ms = retry_wait_ms(outcome, backoff_ms, clock_wall_s(), left_ms);
    if (wait_ms >= left_ms) {
        metrics_add(setup->metrics, METRIC_RETRIES, RETRY_TOO_LATE, 1);
        return false;
    }
    if (!retry_budget_take(&setup->budgets->retries, now_ms)) {
        metrics_add(setup->metrics, METRIC_RETRIES, RETRY_OVER_BUDGET, 1);
        return false;
    }
    attempts->retried++;
    attempts->again_url = run->call.url;
    attempts->is_again_elsewhere = run->record->url.data != NULL;
    loop_timer_set(setup->loop, &attempts->again, now_ms + wait_ms);
    return true;
}

static bool divert(struct attempts *attempts, struct attempt *run,
                   const struct retry_facts *facts)
{
    struct slice url;
    if (is_late(attempts) || !retry_may_divert(facts) ||
        !next_alternative(attempts, &url))
        return false;
    start_run(attempts, run, url, true);
    return true;
}

static void on_attempt_done(struct call *call, const struct outcome *outcome)
{
    struct attempt *run = container_of(call, struct attempt, call);
    struct attempts *attempts = run->attempts;
    const struct item_options *options = options_of(attempts);
    struct outcome shown = *outcome;
    char message[EXPECT_MESSAGE_MAX];
    if (options->expect)
        expect_judge(options->expect, &shown, message);
    const struct retry_facts facts = {
        .code = shown.code,
        .status = shown.status,
        .method = call->method,
        .was_redirected = shown.hops > 0,
        .has_key = options->idempotency_key.data != NULL,
        .has_expect = options->expect != NULL,
    };
    bool is_failure = retry_is_failure(&facts);
    note(run->record, &shown);
    attempts->requests += shown.hops;
    close_run(run, shown.code);
    bool was_hedge = run->is_hedge;
    run->is_hedge = false;
    if (!is_failure) {
        finish(run, &shown, was_hedge);
        return;
    }
    bool is_last = !other_of(run)->is_running;
    if (is_last) {
        loop_timer_clear(attempts->setup.loop, &attempts->hedge);
        if (repeat(attempts, run, &facts, &shown))
            return;
    }
    if (!divert(attempts, run, &facts) && is_last)
        finish(run, &shown, false);
}

void attempts_cancel(struct attempts *attempts, enum call_code code)
{
    stop(attempts, code, false);
}

void attempts_free(struct attempts *attempts)
{
    if (!attempts)
        return;
    assert(!attempts->runs[0].is_running && !attempts->runs[1].is_running);
    assert(!timer_is_set(&attempts->again) && !timer_is_set(&attempts->hedge));
    budget_give(&attempts->setup.budgets->request_bytes, attempts->size);
    free(attempts);
}

/* ------------------------------------------------------------------------- looking */

const struct call *attempts_call(const struct attempts *attempts)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        if (attempts->runs[i].is_running)
            return &attempts->runs[i].call;
    }
    return NULL;
}

bool attempts_is_untouched(const struct attempts *attempts)
{
    const struct call *call = attempts_call(attempts);
    return attempts->record_count == 1 && call && fetcher_is_untouched(call);
}

enum call_phase attempts_phase(const struct attempts *attempts)
{
    enum call_phase furthest = PHASE_IDLE;
    for (size_t i = 0; i < AT_ONCE; i++) {
        const struct attempt *run = &attempts->runs[i];
        if (run->is_running && fetcher_phase(&run->call) > furthest)
            furthest = fetcher_phase(&run->call);
    }
    return furthest == PHASE_IDLE ? PHASE_BACKOFF : furthest;
}

uint64_t attempts_start_us(const struct attempts *attempts)
{
    return attempts->answered_us ? attempts->answered_us : attempts->began_us;
}

const struct attempt_record *attempts_records(const struct attempts *attempts,
                                              size_t *ret_count)
{
    bool has_several = attempts->record_count > 1;
    *ret_count = has_several ? attempts->record_count : 0;
    return has_several ? attempts->records : NULL;
}
