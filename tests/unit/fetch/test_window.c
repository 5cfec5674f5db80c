/* SPDX-License-Identifier: Apache-2.0 */
/* window.c: how wide it is after replies that come fast, slowly, or not at all. */
#include "fetch/window.h"

#include <criterion/criterion.h>

static const struct window_range range = {.least = 48, .most = 1000};

static struct window window;
static uint64_t now_us;
static unsigned running;

static void start(void)
{
    window = (struct window){0};
    now_us = 5000000;
    window_open(&window, &range, now_us);
    running = 48;
}

TestSuite(window, .init = start);

/* One call ends, and another starts if the window lets it. */
static void reply(uint64_t after_us, bool is_short)
{
    now_us += after_us;
    running--;
    window_done(&window, &range, running, is_short, now_us);
    while (is_short && running < window.size)
        running++;
}

static void replies(unsigned count, uint64_t each_us, bool is_short)
{
    for (unsigned i = 0; i < count; i++)
        reply(each_us, is_short);
}

/* No reply for `us`; asked every millisecond. */
static void silence(uint64_t us)
{
    for (uint64_t end_us = now_us + us; now_us < end_us;) {
        now_us += 1000;
        if (window_widen(&window, &range, now_us))
            running = window.size;
    }
}

Test(window, starts_at_the_least_of_its_range)
{
    struct window unopened = {0};
    cr_assert_eq(window_size(&unopened, &range), 48);
    cr_assert_eq(window.size, 48);
}

Test(window, stays_there_while_replies_come_fast)
{
    replies(100000, 40, true);
    cr_assert_eq(window.size, 48);
}

Test(window, grows_fourfold_for_each_millisecond_without_a_reply)
{
    silence(1000);
    cr_assert_eq(window.size, 192);
    silence(1000);
    cr_assert_eq(window.size, 768);
    silence(1000);
    cr_assert_eq(window.size, 1000);
    cr_assert_not(window_widen(&window, &range, now_us + 1000000));
}

Test(window, does_not_grow_by_less_than_a_millisecond_of_silence)
{
    cr_assert_not(window_widen(&window, &range, now_us + 999));
    reply(999, true);
    cr_assert_not(window_widen(&window, &range, now_us + 999));
    now_us += 500000;
    window_wait(&window, now_us); /* it was idle, not silent */
    cr_assert_not(window_widen(&window, &range, now_us + 999));
    cr_assert(window_widen(&window, &range, now_us + 1000));
}

Test(window, is_patient_with_an_upstream_that_was_fast)
{
    replies(480, 40, true);
    silence(9000);
    cr_assert_eq(window.size, 48);
    silence(1000);
    cr_assert_eq(window.size, 192);
    silence(1000); /* it is not fast any more */
    cr_assert_eq(window.size, 768);
}

Test(window, doubles_when_replies_are_slow_and_calls_wait)
{
    replies(48, 200, true);
    cr_assert_eq(window.size, 96);
    replies(96, 200, true);
    cr_assert_eq(window.size, 192);
    replies(192 + 384 + 768, 200, true);
    cr_assert_eq(window.size, 1000);
}

Test(window, does_not_grow_when_nobody_waits)
{
    replies(40, 200, false);
    cr_assert_eq(window.size, 48);
    window_open(&window, &range, now_us);
    running = 48;
    for (int i = 0; i < 1000; i++) {
        running++;
        reply(200, false);
    }
    cr_assert_eq(window.size, 48);
}

Test(window, takes_several_slow_rounds_after_a_fast_one)
{
    replies(48, 40, true);
    replies(WINDOW_SLOW_ROUNDS * 48, 200, true);
    cr_assert_eq(window.size, 48);
    replies(48, 200, true);
    cr_assert_eq(window.size, 96);
}

/* Up to the size of 192, by silence, then fast replies. */
static void grow_and_be_fast(uint64_t each_us)
{
    silence(1000);
    cr_assert_eq(window.size, 192);
    replies(192 + 192, each_us, true);
}

Test(window, tries_the_least_and_keeps_it_when_as_much_comes)
{
    grow_and_be_fast(40);
    cr_assert_eq(window.size, 48);
    replies(192, 40, true); /* those under way go first, then a round of the least */
    cr_assert_eq(window.before, 0);
    cr_assert_eq(window.size, 48);
}

Test(window, returns_when_the_least_was_too_little)
{
    grow_and_be_fast(40);
    replies(192, 40, true);
    window.before = 192; /* as if the round of the least were still to come */
    window.before_us = 40;
    replies(48, 60, true);
    cr_assert_eq(window.size, 192);
    cr_assert_eq(window.before, 0);
    /* And does not try again for some seconds. */
    uint64_t until_us = now_us + WINDOW_TRY_AGAIN_US;
    while (now_us + 192 * 40 < until_us) {
        replies(192, 40, true);
        cr_assert_eq(window.size, 192);
    }
    replies(2 * 192, 40, true);
    cr_assert_eq(window.size, 48);
}

Test(window, counts_the_least_only_when_those_of_the_larger_size_are_through)
{
    silence(1000);
    replies(192, 40, true);
    cr_assert_eq(window.size, 48);
    cr_assert_eq(window.before, 192);
    cr_assert_eq(running, 191);
    replies(191 - 48, 5, true); /* in a burst: no proof that the least suffices */
    cr_assert_eq(running, 48);
    cr_assert_eq(window.before, 192);
    cr_assert_eq(window.count, 0);
}

Test(window, returns_when_silence_meets_the_try)
{
    silence(1000);
    replies(192, 40, true);
    cr_assert_eq(window.before, 192);
    silence(10000);
    cr_assert_eq(window.size, 192);
    cr_assert_eq(window.before, 0);
}

Test(window, of_one_size_never_changes)
{
    static const struct window_range fixed = {.least = 7, .most = 7};
    window = (struct window){0};
    window_open(&window, &fixed, now_us);
    cr_assert_not(window_widen(&window, &fixed, now_us + 1000000));
    for (int i = 0; i < 1000; i++) {
        now_us += i % 2 ? 10 : 10000;
        window_done(&window, &fixed, 6, true, now_us);
        cr_assert_eq(window.size, 7);
    }
}
