/* SPDX-License-Identifier: Apache-2.0 */
/* window.c: how wide it is when replies come at once, after a while, seldom, or not. */
#include "fetch/window.h"

#include <criterion/criterion.h>

static const struct window_range range = {.least = 32, .most = 1000};

static struct window window;
static uint64_t now_us;

/* Calls under way, the oldest first, by when they started. */
static uint64_t started_us[1000];
static unsigned running;

static void fill(const struct window_range *of)
{
    while (running < window_size(&window, of))
        started_us[running++] = now_us;
}

static void start(void)
{
    window = (struct window){0};
    now_us = 5000000;
    running = 0;
    window_open(&window, &range, now_us);
    fill(&range);
}

TestSuite(window, .init = start);

/* The oldest call ends; others wait and take its place if the window lets them. */
static void reply(const struct window_range *of)
{
    struct window_reply reply = {
        .started_us = started_us[0], .running = --running, .is_short = true};
    for (unsigned i = 0; i < running; i++)
        started_us[i] = started_us[i + 1];
    window_done(&window, of, &reply, now_us);
    fill(of);
}

/* An upstream that takes `reply_us` for each, side by side, and the gateway `call_us`. */
static void run_for(uint64_t us, uint64_t reply_us, uint64_t call_us)
{
    uint64_t asked_us = now_us;
    for (uint64_t end_us = now_us + us; now_us < end_us;) {
        uint64_t due_us = started_us[0] + reply_us;
        uint64_t free_us = now_us + call_us;
        if (due_us > now_us + 1000) {
            now_us += 1000;
        } else {
            now_us = due_us > free_us ? due_us : free_us;
            reply(&range);
        }
        if (now_us >= asked_us + 1000) {
            asked_us = now_us;
            if (window_widen(&window, &range, now_us))
                fill(&range);
        }
    }
}

static void silence(uint64_t us)
{
    for (uint64_t end_us = now_us + us; now_us < end_us;) {
        now_us += 1000;
        if (window_widen(&window, &range, now_us))
            fill(&range);
    }
}

Test(window, starts_at_the_least_of_its_range)
{
    struct window unopened = {0};
    cr_assert_eq(window_size(&unopened, &range), 32);
    cr_assert_eq(window.size, 32);
}

Test(window, is_the_least_where_replies_come_at_once)
{
    run_for(3000000, 100, 16);
    cr_assert(!window.is_trying);
    cr_assert_eq(window.size, 32);
    cr_assert_eq(window.reply_us, 100);
}

Test(window, is_as_wide_as_a_worker_can_start_calls_while_it_waits_for_a_reply)
{
    run_for(3000000, 900, 16);
    cr_assert_eq(window.reply_us, 900);
    cr_assert_eq(window.size, 900 / WINDOW_CALL_US);
}

Test(window, is_all_there_is_where_replies_take_long)
{
    run_for(3000000, 20000, 16);
    cr_assert_eq(window.size, 1000);
    cr_assert_eq(window.reply_us, 0, "it never shut to measure");
}

Test(window, finds_the_least_again_from_any_size)
{
    window.size = range.most;
    fill(&range);
    run_for(500000, 100, 16);
    cr_assert_eq(window.size, 32);
}

Test(window, follows_an_upstream_that_takes_longer_than_before)
{
    run_for(2000000, 100, 16);
    cr_assert_eq(window.size, 32);
    run_for(100000, 50000, 16);
    cr_assert_gt(window.size, 128);
    run_for(200000, 50000, 16);
    cr_assert_eq(window.size, 1000);
}

Test(window, measures_rarely)
{
    unsigned shut = 0, all = 0;
    run_for(200000, 900, 16);
    for (; all < 100000; all++) {
        run_for(100, 900, 16);
        shut += window.is_trying;
    }
    cr_assert_gt(shut, 0);
    cr_assert_lt(shut, all / 50);
}

Test(window, opens_fourfold_for_each_millisecond_without_a_reply)
{
    silence(1000);
    cr_assert_eq(window.size, 128);
    silence(1000);
    cr_assert_eq(window.size, 512);
    silence(1000);
    cr_assert_eq(window.size, 1000);
    cr_assert_not(window_widen(&window, &range, now_us + 1000000));
}

Test(window, does_not_open_for_less_than_a_millisecond)
{
    cr_assert_not(window_widen(&window, &range, now_us + 999));
    now_us += 999;
    reply(&range);
    cr_assert_not(window_widen(&window, &range, now_us + 999));
    now_us += 500000;
    window_wait(&window, now_us); /* it was idle, not silent */
    cr_assert_not(window_widen(&window, &range, now_us + 999));
    cr_assert(window_widen(&window, &range, now_us + 1000));
}

Test(window, is_patient_with_an_upstream_that_is_near)
{
    run_for(500000, 100, 16);
    now_us += 40000; /* idle */
    window_wait(&window, now_us);
    silence(15000);
    cr_assert_eq(window.size, 32);
    silence(1000);
    cr_assert_eq(window.size, 128);
}

Test(window, opens_when_a_fast_upstream_hangs)
{
    run_for(507000, 100, 16); /* many replies in the interval in which it stops */
    cr_assert_eq(window.size, 32);
    silence(33000);
    cr_assert_eq(window.size, 128);
    silence(48000);
    cr_assert_eq(window.size, 1000);
}

Test(window, opens_where_slow_calls_fill_it_and_few_replies_come)
{
    run_for(500000, 100, 16);
    cr_assert_eq(window.size, 32);
    run_for(100000, 20000, 16); /* 32 in 20 ms */
    cr_assert_gt(window.size, 100);
}

Test(window, stays_where_many_replies_come_though_some_wait)
{
    run_for(500000, 100, 16);
    run_for(100000, 8000, 16); /* 32 in 8 ms */
    cr_assert_eq(window.size, 32);
}

Test(window, that_is_measuring_opens_when_replies_stay_away)
{
    run_for(100100, 100, 16);
    for (int i = 0; i < 10000 && !window.is_trying; i++)
        run_for(16, 100, 16);
    cr_assert(window.is_trying);
    cr_assert_eq(window.size, WINDOW_TRY_SIZE);
    silence(17000);
    cr_assert(!window.is_trying);
    cr_assert_geq(window.size, 32);
}

Test(window, counts_no_reply_to_what_started_before_it_shut)
{
    window.size = 200;
    fill(&range);
    for (int i = 0; i < 20000 && !window.is_trying; i++)
        run_for(16, 100, 16);
    cr_assert(window.is_trying);
    while (running > WINDOW_TRY_SIZE) {
        now_us += 16;
        reply(&range);
        cr_assert_eq(window.sample_count, 0);
    }
}

Test(window, does_not_count_what_a_cancelled_call_took)
{
    for (int i = 0; i < 20000 && !window.is_drained; i++)
        run_for(16, 100, 16);
    cr_assert(window.is_drained);
    unsigned before = window.sample_count;
    struct window_reply cancelled = {.started_us = 0, .running = 3};
    window_done(&window, &range, &cancelled, now_us);
    cr_assert_eq(window.sample_count, before);
}

Test(window, takes_the_quarter_of_its_samples_in_any_order)
{
    window = (struct window){.size = 4,
                             .is_trying = true,
                             .is_drained = true,
                             .drained_us = now_us,
                             .try_us = now_us};
    for (unsigned i = 0; i < WINDOW_SAMPLES; i++) {
        struct window_reply sample = {.started_us =
                                          now_us + 1000000 - 100 * (i * 7 % 16)};
        window_done(&window, &range, &sample, now_us + 1000000);
    }
    cr_assert_eq(window.reply_us, 100 * WINDOW_SAMPLES / 4);
    cr_assert(!window.is_trying);
}

Test(window, of_one_size_never_changes)
{
    static const struct window_range fixed = {.least = 7, .most = 7};
    window = (struct window){0};
    running = 0;
    window_open(&window, &fixed, now_us);
    fill(&fixed);
    cr_assert_not(window_widen(&window, &fixed, now_us + 1000000));
    for (int i = 0; i < 1000; i++) {
        now_us += i % 2 ? 10 : 10000;
        reply(&fixed);
        cr_assert_eq(window.size, 7);
    }
}

Test(window, of_very_few_is_not_shut_further)
{
    static const struct window_range few = {.least = 2, .most = 1000};
    window = (struct window){0};
    running = 0;
    window_open(&window, &few, now_us);
    fill(&few);
    for (int i = 0; i < 20000; i++) {
        now_us += 16;
        reply(&few);
        cr_assert_geq(window.size, 2);
        cr_assert_leq(window.size, 4);
    }
}
