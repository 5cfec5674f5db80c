/* SPDX-License-Identifier: Apache-2.0 */
/* window.c, beside a worker and an upstream of a few lines: narrow where replies come at
 * once, and nowhere does it cost calls a second. */
#include "fetch/window.h"

#include <criterion/criterion.h>

enum { CALL_US = 16, MOST = 256, TICK_US = 1000 };

static const struct window_range range = {.least = WINDOW_LEAST, .most = MOST};
static const struct window_range fixed = {.least = MOST, .most = MOST};

/* What replies take: `fast_us`, and `slow_us` for `slow_percent` of them. */
struct upstream {
    uint64_t fast_us;
    uint64_t slow_us;
    unsigned slow_percent;
};

static const struct upstream near = {.fast_us = 100};

static struct window window;
static struct window_clock at;
static uint64_t due_us[MOST]; /* of the calls under way */
static unsigned running;
static unsigned calls; /* ever */
static uint64_t tick_us;
static unsigned others_percent; /* of the worker's time goes to other origins' calls */

static void fill(const struct window_range *of, const struct upstream *upstream)
{
    while (running < window_size(&window, of)) {
        bool is_slow = calls++ * 37 % 100 < upstream->slow_percent;
        due_us[running++] = at.now_us + (is_slow ? upstream->slow_us : upstream->fast_us);
    }
}

static void start(void)
{
    window = (struct window){0};
    at = (struct window_clock){.now_us = 5000000};
    running = 0;
    calls = 0;
    others_percent = 0;
    tick_us = at.now_us;
    window_open(&window, at);
    window_wait(&window, at);
}

TestSuite(window, .init = start);

static unsigned earliest(void)
{
    unsigned found = 0;
    for (unsigned i = 1; i < running; i++) {
        if (due_us[i] < due_us[found])
            found = i;
    }
    return found;
}

static void end_call(const struct window_range *of, unsigned index)
{
    due_us[index] = due_us[--running];
    struct window_reply reply = {.running = running, .is_short = true};
    window_done(&window, of, &reply, at);
}

static void tick(const struct window_range *of)
{
    while (tick_us <= at.now_us)
        tick_us += TICK_US;
    window_widen(&window, of, at);
}

/* The worker takes replies as they come and sleeps when there are none; calls always
 * wait. How many ended in the time. */
static unsigned run_in(const struct window_range *of, const struct upstream *upstream,
                       uint64_t us)
{
    unsigned ended = 0;
    fill(of, upstream);
    for (uint64_t end_us = at.now_us + us; at.now_us < end_us;) {
        unsigned index = earliest();
        if (due_us[index] > at.now_us) {
            uint64_t until_us = due_us[index] < tick_us ? due_us[index] : tick_us;
            if (until_us > at.now_us) {
                uint64_t left_us = until_us - at.now_us;
                at.idle_us += left_us * (100 - others_percent) / 100;
                at.now_us = until_us;
            }
        } else {
            at.now_us += CALL_US;
            end_call(of, index);
            ended++;
        }
        if (at.now_us >= tick_us)
            tick(of);
        fill(of, upstream);
    }
    return ended;
}

static unsigned run(const struct upstream *upstream, uint64_t us)
{
    return run_in(&range, upstream, us);
}

/* ------------------------------------------------------------------- what it comes to */

Test(window, starts_with_all_there_is)
{
    struct window unopened = {0};
    cr_assert_eq(window_size(&unopened, &range), MOST);
    run(&near, 1000);
    cr_assert_eq(window_size(&window, &range), MOST);
}

Test(window, is_the_least_soon_where_replies_come_at_once)
{
    run(&near, 2 * WINDOW_INTERVAL_US);
    cr_assert_eq(window.size, WINDOW_LEAST);
    unsigned ended = run(&near, 1000000);
    cr_assert_eq(window.size, WINDOW_LEAST);
    cr_assert_geq(ended, 1000000 / CALL_US - 100, "the worker never slept");
}

Test(window, is_larger_where_the_least_would_let_the_worker_sleep)
{
    const struct upstream further = {.fast_us = 1200}; /* 75 calls */
    run(&further, 8000000);
    cr_assert_eq(window.size, 4 * WINDOW_LEAST);
}

Test(window, is_all_there_is_where_replies_take_long)
{
    const struct upstream far = {.fast_us = 20000};
    for (int i = 0; i < 1000; i++) {
        run(&far, 1000);
        cr_assert_eq(window_size(&window, &range), MOST);
    }
}

static unsigned least_of(const struct upstream *upstream, uint64_t us)
{
    unsigned least = MOST;
    for (uint64_t end_us = at.now_us + us; at.now_us < end_us;) {
        run(upstream, 1000);
        unsigned size = window_size(&window, &range);
        least = size < least ? size : least;
    }
    return least;
}

/* Each upstream after a fast one, and the calls a second that all slots would give. */
Test(window, never_costs_calls_a_second_whatever_replies_take)
{
    static const unsigned percents[] = {0, 5, 10, 30, 50, 70, 90};
    static const uint64_t slow[] = {300,  800,   1000,  2000, 3000,
                                    5000, 10000, 20000, 50000};
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        for (size_t k = 0; k < sizeof slow / sizeof *slow; k++) {
            const struct upstream mixed = {.fast_us = percents[i] ? 100 : slow[k],
                                           .slow_us = slow[k],
                                           .slow_percent = percents[i]};
            start();
            unsigned all = run_in(&fixed, &mixed, 1000000);
            start();
            run(&near, 300000);
            cr_assert_eq(window.size, WINDOW_LEAST);
            unsigned ended = run(&mixed, 1000000);
            cr_expect_geq(ended, all * 9 / 10, "%u of %u: %u %% take %llu us", ended, all,
                          percents[i], (unsigned long long)slow[k]);
        }
    }
}

/* --------------------------------------------------------------------------- wider */

Test(window, opens_within_milliseconds_when_a_fast_upstream_hangs)
{
    const struct upstream hung = {.fast_us = 10000000};
    run(&near, 500000);
    cr_assert_eq(window.size, WINDOW_LEAST);
    run(&hung, 2 * TICK_US); /* what is under way comes, and all that is new hangs */
    cr_assert_eq(window.size, 4 * WINDOW_LEAST);
    run(&hung, 2 * TICK_US);
    cr_assert_eq(window_size(&window, &range), MOST);
}

Test(window, opens_for_a_slow_upstream_while_others_keep_the_worker_busy)
{
    const struct upstream far = {.fast_us = 20000};
    run(&near, 500000);
    others_percent = 100;
    run(&far, 3 * WINDOW_INTERVAL_US);
    cr_assert_eq(window_size(&window, &range), MOST);
}

Test(window, stays_where_others_take_half_the_worker)
{
    run(&near, 500000);
    others_percent = 50;
    run(&near, 500000);
    cr_assert_eq(window.size, WINDOW_LEAST);
}

/* What is not lost: the worker slept while nobody waited. */
Test(window, does_not_open_for_sleep_before_calls_waited)
{
    run(&near, 500000);
    at.now_us += 20000;
    at.idle_us += 20000;
    window_wait(&window, at);
    cr_assert_not(window_widen(&window, &range, at));
    at.now_us += 999;
    at.idle_us += 999;
    cr_assert_not(window_widen(&window, &range, at));
    at.now_us += 200;
    at.idle_us += 200;
    cr_assert(window_widen(&window, &range, at));
}

Test(window, does_not_open_for_a_tenth_of_sleep)
{
    run(&near, 500000);
    window.wide.count *= 100; /* and not because enough calls end */
    for (int i = 0; i < 10000; i++) {
        at.now_us += 1000;
        at.idle_us += 99;
        window.count += 1000;
        cr_assert_not(window_widen(&window, &range, at));
    }
    for (int i = 0; i < 12; i++) { /* a fifth is too much */
        at.now_us += 1000;
        at.idle_us += 200;
        window.count += 100;
        window_widen(&window, &range, at);
    }
    cr_assert_eq(window.size, 4 * WINDOW_LEAST);
}

/* An upstream that serves 20 calls a millisecond, however many wait for it. */
static void serve(uint64_t us, unsigned per_ms)
{
    for (uint64_t end_us = at.now_us + us; at.now_us < end_us;) {
        at.now_us += 1000;
        at.idle_us += 400;
        for (unsigned i = 0; i < per_ms; i++) {
            struct window_reply reply = {.running = window_size(&window, &range) - 1,
                                         .is_short = true};
            window_done(&window, &range, &reply, at);
        }
        window_widen(&window, &range, at);
    }
}

Test(window, is_narrow_where_it_is_the_upstream_that_has_no_time)
{
    serve(2 * WINDOW_INTERVAL_US, 20);
    cr_assert_eq(window.size, WINDOW_LEAST);
    unsigned wide_ms = 0;
    for (int i = 0; i < 10000; i++) {
        serve(1000, 20);
        wide_ms += window.size == 0;
    }
    cr_assert_lt(wide_ms, 200, "it is measured anew every two seconds");
    cr_assert_gt(wide_ms, 50);
}

Test(window, opens_when_the_upstream_could_do_more_than_before)
{
    serve(2 * WINDOW_INTERVAL_US, 20);
    window.wide.count = window.wide.count * 3 / 2;
    serve(4 * WINDOW_LOOK_US, 20);
    cr_assert_eq(window_size(&window, &range), MOST);
    cr_assert_gt(window.next_us, at.now_us);
}

Test(window, does_not_forget_for_one_bad_moment_what_the_upstream_can_do)
{
    serve(WINDOW_INTERVAL_US / 2, 80);
    window.next_us = at.now_us + 10 * WINDOW_INTERVAL_US;
    serve(WINDOW_INTERVAL_US, 80);
    serve(WINDOW_INTERVAL_US, 8);
    window.next_us = 0;
    serve(WINDOW_INTERVAL_US / 2 + 1000, 8);
    cr_assert_eq(window.size, WINDOW_LEAST);
    serve(2 * WINDOW_LOOK_US, 20); /* more than 8, and far from 80 */
    cr_assert_gt(window_size(&window, &range), WINDOW_LEAST);
}

/* ------------------------------------------------------------------------ narrower */

Test(window, is_not_narrow_while_the_worker_has_time_to_sleep)
{
    run(&near, WINDOW_INTERVAL_US / 2);
    at.now_us += WINDOW_INTERVAL_US;
    at.idle_us += WINDOW_INTERVAL_US * 3 / 4;
    struct window_reply reply = {.running = 200, .is_short = true};
    window_done(&window, &range, &reply, at);
    cr_assert_eq(window_size(&window, &range), MOST);
}

Test(window, is_not_narrow_where_few_calls_are_under_way)
{
    struct window_reply reply = {.running = WINDOW_LEAST};
    for (int i = 0; i < 100000; i++) {
        at.now_us += 16;
        window_done(&window, &range, &reply, at);
    }
    cr_assert_eq(window_size(&window, &range), MOST);
    reply.running++;
    for (int i = 0; i < 2000; i++) {
        at.now_us += 16;
        window_done(&window, &range, &reply, at);
    }
    cr_assert_eq(window.size, WINDOW_LEAST);
}

Test(window, of_an_origin_that_was_not_used_for_a_while_is_wide_again)
{
    run(&near, 500000);
    at.now_us += WINDOW_INTERVAL_US;
    window_open(&window, at);
    cr_assert_eq(window.size, WINDOW_LEAST, "a moment is no while");
    at.now_us += 2 * WINDOW_INTERVAL_US;
    window_open(&window, at);
    cr_assert_eq(window_size(&window, &range), MOST);
}

Test(window, is_left_alone_for_longer_each_time_it_had_to_widen)
{
    const struct upstream far = {.fast_us = 3500};
    uint64_t trials = 0;
    unsigned before = MOST;
    for (int i = 0; i < 20000; i++) {
        run(&far, 1000);
        unsigned size = window_size(&window, &range);
        trials += size < before;
        before = size;
    }
    cr_assert_gt(trials, 5);
    cr_assert_lt(trials, 16);
    cr_assert_eq(window.pause_us, WINDOW_PAUSE_MAX_US);
    /* Where it was right for a second, one bad moment does not count for much. */
    run(&near, 4000000);
    cr_assert_eq(window.size, WINDOW_LEAST);
    run(&far, 10000);
    cr_assert_eq(window.pause_us, WINDOW_PAUSE_US);
    cr_assert_eq(least_of(&near, WINDOW_PAUSE_US / 2), MOST);
    cr_assert_eq(least_of(&near, WINDOW_PAUSE_US * 2), WINDOW_LEAST);
}

Test(window, of_one_size_never_changes)
{
    const struct upstream far = {.fast_us = 20000};
    run_in(&fixed, &near, 100000);
    cr_assert_eq(window_size(&window, &fixed), MOST);
    run_in(&fixed, &far, 100000);
    cr_assert_eq(window_size(&window, &fixed), MOST);
    cr_assert_not(window_widen(&window, &fixed, at));
}
