/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/breaker.h: when a circuit opens, how long it stays so, whom it lets probe, and
 * what counts as a failure. */
#include "fetch/breaker.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

enum { NOW_MS = 5000000, OPEN_MS = 1000, OPEN_MAX_MS = 6000, WINDOW_MS = 8000 };

static const struct breaker_rules in_a_row = {.consecutive_failures = 3,
                                              .window_ms = WINDOW_MS,
                                              .min_requests = 10,
                                              .open_ms = OPEN_MS,
                                              .open_max_ms = OPEN_MAX_MS,
                                              .probes = 1};
static const struct breaker_rules by_ratio = {.failure_ratio = 50,
                                              .window_ms = WINDOW_MS,
                                              .min_requests = 10,
                                              .open_ms = OPEN_MS,
                                              .open_max_ms = OPEN_MAX_MS,
                                              .probes = 2};

static struct breaker breaker;
static uint64_t wait_ms;

static void setup(void)
{
    breaker = (struct breaker){.era = 7};
    wait_ms = 0;
}

TestSuite(breaker, .init = setup);

static enum breaker_answer ask(const struct breaker_rules *rules, uint64_t now_ms)
{
    return breaker_ask(&breaker, rules, now_ms, &wait_ms);
}

static uint64_t enter(const struct breaker_rules *rules, uint64_t now_ms)
{
    uint64_t era = 0;
    cr_assert_eq(breaker_enter(&breaker, rules, now_ms, &wait_ms, &era), BREAKER_PASS);
    return era;
}

/* One call that comes and goes; true: it opened the circuit. */
static bool call(const struct breaker_rules *rules, uint64_t now_ms,
                 enum breaker_verdict verdict)
{
    uint64_t era = enter(rules, now_ms);
    return breaker_leave(&breaker, rules, era, verdict, now_ms, 0);
}

/* Opened by failures in a row, at `now_ms`. */
static void open_at(uint64_t now_ms)
{
    cr_assert_not(call(&in_a_row, now_ms, BREAKER_FAILURE));
    cr_assert_not(call(&in_a_row, now_ms, BREAKER_FAILURE));
    cr_assert(call(&in_a_row, now_ms, BREAKER_FAILURE));
}

/* ----------------------------------------------------------------------- opening */

Test(breaker, opens_at_so_many_failures_in_a_row)
{
    cr_assert_not(call(&in_a_row, NOW_MS, BREAKER_FAILURE));
    cr_assert_not(call(&in_a_row, NOW_MS, BREAKER_FAILURE));
    cr_assert_eq(ask(&in_a_row, NOW_MS), BREAKER_PASS);
    cr_assert(call(&in_a_row, NOW_MS + 60000, BREAKER_FAILURE)); /* however far apart */
    cr_assert_eq(breaker.state, BREAKER_OPEN);
    cr_assert_eq(ask(&in_a_row, NOW_MS + 60000), BREAKER_WAIT);
    cr_assert_eq(wait_ms, OPEN_MS);
}

Test(breaker, a_success_in_between_starts_the_row_anew)
{
    for (int i = 0; i < 50; i++) {
        cr_assert_not(call(&in_a_row, NOW_MS, BREAKER_FAILURE));
        cr_assert_not(call(&in_a_row, NOW_MS, BREAKER_FAILURE));
        cr_assert_not(call(&in_a_row, NOW_MS, BREAKER_SUCCESS));
    }
}

Test(breaker, what_says_nothing_neither_counts_nor_ends_a_row)
{
    cr_assert_not(call(&in_a_row, NOW_MS, BREAKER_FAILURE));
    for (int i = 0; i < 50; i++)
        cr_assert_not(call(&in_a_row, NOW_MS, BREAKER_NOTHING));
    cr_assert_not(call(&in_a_row, NOW_MS, BREAKER_FAILURE));
    cr_assert(call(&in_a_row, NOW_MS, BREAKER_FAILURE));
}

Test(breaker, opens_when_half_of_the_window_failed_and_there_were_enough)
{
    for (int i = 0; i < 5; i++)
        cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_SUCCESS));
    for (int i = 0; i < 4; i++)
        cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_FAILURE));
    cr_assert(call(&by_ratio, NOW_MS, BREAKER_FAILURE)); /* 5 of 10 */
}

Test(breaker, a_ratio_below_does_not_open)
{
    for (int i = 0; i < 60; i++)
        cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_SUCCESS));
    for (int i = 0; i < 59; i++)
        cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_FAILURE));
    cr_assert(call(&by_ratio, NOW_MS, BREAKER_FAILURE)); /* 60 of 120 */
}

Test(breaker, too_few_calls_say_nothing_about_a_ratio)
{
    for (int i = 0; i < 9; i++)
        cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_FAILURE));
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
    cr_assert(call(&by_ratio, NOW_MS, BREAKER_FAILURE));
}

Test(breaker, a_success_never_opens)
{
    for (int i = 0; i < 9; i++)
        cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_FAILURE));
    cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_SUCCESS)); /* 9 of 10 */
    cr_assert(call(&by_ratio, NOW_MS, BREAKER_FAILURE));
}

Test(breaker, failures_older_than_the_window_are_forgotten)
{
    for (int i = 0; i < 9; i++)
        cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_FAILURE));
    cr_assert_not(call(&by_ratio, NOW_MS + WINDOW_MS, BREAKER_FAILURE));
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
}

Test(breaker, failures_within_seven_eighths_of_the_window_are_kept)
{
    for (int i = 0; i < 9; i++)
        cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_FAILURE));
    cr_assert(call(&by_ratio, NOW_MS + WINDOW_MS / 8 * 7, BREAKER_FAILURE));
}

Test(breaker, a_long_silence_empties_the_whole_ring)
{
    for (int i = 0; i < 9; i++)
        cr_assert_not(
            call(&by_ratio, NOW_MS + (unsigned)i * WINDOW_MS / 8, BREAKER_FAILURE));
    for (int i = 0; i < 9; i++)
        cr_assert_not(call(&by_ratio, NOW_MS + 100 * WINDOW_MS, BREAKER_FAILURE));
    cr_assert(call(&by_ratio, NOW_MS + 100 * WINDOW_MS, BREAKER_FAILURE));
}

Test(breaker, a_clock_that_goes_back_a_little_counts_on)
{
    for (int i = 0; i < 9; i++)
        cr_assert_not(call(&by_ratio, NOW_MS + WINDOW_MS, BREAKER_FAILURE));
    cr_assert(call(&by_ratio, NOW_MS + WINDOW_MS - 10, BREAKER_FAILURE));
}

Test(breaker, a_window_of_less_than_a_bucket_a_millisecond_still_counts)
{
    struct breaker_rules tiny = by_ratio;
    tiny.window_ms = 4;
    for (int i = 0; i < 9; i++)
        cr_assert_not(call(&tiny, NOW_MS, BREAKER_FAILURE));
    cr_assert(call(&tiny, NOW_MS, BREAKER_FAILURE));
}

Test(breaker, asks_nothing_of_a_ratio_that_is_not_given)
{
    struct breaker_rules rules = in_a_row;
    rules.consecutive_failures = 1000;
    for (int i = 0; i < 999; i++)
        cr_assert_not(call(&rules, NOW_MS, BREAKER_FAILURE));
    cr_assert(call(&rules, NOW_MS, BREAKER_FAILURE));
}

/* -------------------------------------------------------------------------- open time */

Test(breaker, jitter_only_lengthens_by_a_quarter_at_most)
{
    uint64_t shortest = UINT64_MAX, longest = 0;
    for (uint64_t chance = 0; chance < 5000; chance++) {
        breaker = (struct breaker){.era = 1, .failures_in_row = 2};
        uint64_t era = enter(&in_a_row, NOW_MS);
        cr_assert(breaker_leave(&breaker, &in_a_row, era, BREAKER_FAILURE, NOW_MS,
                                chance * 0x9e3779b97f4a7c15));
        cr_assert_eq(ask(&in_a_row, NOW_MS), BREAKER_WAIT);
        shortest = wait_ms < shortest ? wait_ms : shortest;
        longest = wait_ms > longest ? wait_ms : longest;
    }
    cr_assert_eq(shortest, OPEN_MS);
    cr_assert_eq(longest, OPEN_MS + OPEN_MS / 4);
}

Test(breaker, each_failed_probe_doubles_the_open_time_up_to_the_longest)
{
    static const uint64_t expected[] = {1000, 2000, 4000, 6000, 6000, 6000};
    uint64_t now_ms = NOW_MS;
    open_at(now_ms);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cr_assert_eq(ask(&in_a_row, now_ms + expected[i] - 1), BREAKER_WAIT);
        cr_assert_eq(wait_ms, 1);
        now_ms += expected[i];
        cr_assert_eq(ask(&in_a_row, now_ms), BREAKER_PASS);
        cr_assert(call(&in_a_row, now_ms, BREAKER_FAILURE));
    }
}

Test(breaker, hundreds_of_failed_probes_overflow_nothing)
{
    struct breaker_rules rules = in_a_row;
    rules.open_max_ms = UINT64_MAX / 4;
    uint64_t now_ms = NOW_MS;
    open_at(now_ms);
    for (int i = 0; i < 200 && now_ms < UINT64_MAX / 8; i++) {
        now_ms = breaker.until_ms;
        cr_assert(call(&rules, now_ms, BREAKER_FAILURE));
        cr_assert_gt(breaker.until_ms, now_ms);
    }
    for (int i = 0; i < 200; i++) { /* and with the usual ceiling */
        now_ms = breaker.until_ms;
        cr_assert(call(&in_a_row, now_ms, BREAKER_FAILURE));
        cr_assert_eq(breaker.until_ms - now_ms, OPEN_MAX_MS);
    }
}

Test(breaker, an_open_max_below_open_does_not_shorten_it)
{
    struct breaker_rules rules = in_a_row;
    rules.open_max_ms = 1;
    breaker.failures_in_row = 2;
    cr_assert(call(&rules, NOW_MS, BREAKER_FAILURE));
    cr_assert_eq(ask(&rules, NOW_MS), BREAKER_WAIT);
    cr_assert_eq(wait_ms, OPEN_MS);
}

Test(breaker, a_relapse_soon_after_closing_is_open_for_longer)
{
    open_at(NOW_MS);
    cr_assert_not(call(&in_a_row, NOW_MS + OPEN_MS, BREAKER_SUCCESS));
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
    open_at(NOW_MS + OPEN_MS + WINDOW_MS - 1);
    cr_assert_eq(ask(&in_a_row, NOW_MS + OPEN_MS + WINDOW_MS - 1), BREAKER_WAIT);
    cr_assert_eq(wait_ms, 2 * OPEN_MS);
}

Test(breaker, a_window_of_good_conduct_is_forgiveness)
{
    open_at(NOW_MS);
    cr_assert_not(call(&in_a_row, NOW_MS + OPEN_MS, BREAKER_SUCCESS));
    open_at(NOW_MS + OPEN_MS + WINDOW_MS);
    cr_assert_eq(ask(&in_a_row, NOW_MS + OPEN_MS + WINDOW_MS), BREAKER_WAIT);
    cr_assert_eq(wait_ms, OPEN_MS);
}

/* ------------------------------------------------------------------------- probing */

Test(breaker, asking_takes_no_probe)
{
    open_at(NOW_MS);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(ask(&in_a_row, NOW_MS + OPEN_MS), BREAKER_PASS);
    cr_assert_eq(breaker.state, BREAKER_OPEN);
}

Test(breaker, one_probe_at_a_time_and_its_success_closes)
{
    uint64_t era, unused;
    open_at(NOW_MS);
    era = enter(&in_a_row, NOW_MS + OPEN_MS);
    cr_assert_eq(breaker.state, BREAKER_HALF_OPEN);
    cr_assert_eq(ask(&in_a_row, NOW_MS + OPEN_MS), BREAKER_PROBING);
    cr_assert_eq(breaker_enter(&breaker, &in_a_row, NOW_MS + OPEN_MS, &wait_ms, &unused),
                 BREAKER_PROBING);
    cr_assert_not(
        breaker_leave(&breaker, &in_a_row, era, BREAKER_SUCCESS, NOW_MS + OPEN_MS, 0));
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
    cr_assert_eq(ask(&in_a_row, NOW_MS + OPEN_MS), BREAKER_PASS);
}

Test(breaker, two_probes_must_both_succeed)
{
    breaker = (struct breaker){.state = BREAKER_OPEN, .era = 3, .until_ms = NOW_MS};
    uint64_t one = enter(&by_ratio, NOW_MS), two = enter(&by_ratio, NOW_MS);
    cr_assert_eq(ask(&by_ratio, NOW_MS), BREAKER_PROBING);
    cr_assert_not(breaker_leave(&breaker, &by_ratio, one, BREAKER_SUCCESS, NOW_MS, 0));
    cr_assert_eq(breaker.state, BREAKER_HALF_OPEN);
    cr_assert_not(breaker_leave(&breaker, &by_ratio, two, BREAKER_SUCCESS, NOW_MS, 0));
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
}

Test(breaker, one_failed_probe_of_two_opens_again_and_the_others_result_is_void)
{
    breaker = (struct breaker){.state = BREAKER_OPEN, .era = 3, .until_ms = NOW_MS};
    uint64_t one = enter(&by_ratio, NOW_MS), two = enter(&by_ratio, NOW_MS);
    cr_assert(breaker_leave(&breaker, &by_ratio, one, BREAKER_FAILURE, NOW_MS, 0));
    cr_assert_eq(breaker.state, BREAKER_OPEN);
    cr_assert_not(breaker_leave(&breaker, &by_ratio, two, BREAKER_SUCCESS, NOW_MS, 0));
    cr_assert_eq(breaker.state, BREAKER_OPEN);
}

Test(breaker, a_cancelled_probe_makes_room_for_another)
{
    open_at(NOW_MS);
    for (int i = 0; i < 10; i++) {
        cr_assert_not(call(&in_a_row, NOW_MS + OPEN_MS, BREAKER_NOTHING));
        cr_assert_eq(breaker.state, BREAKER_HALF_OPEN);
    }
    cr_assert_not(call(&in_a_row, NOW_MS + OPEN_MS, BREAKER_SUCCESS));
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
}

Test(breaker, calls_from_before_the_opening_say_nothing_later)
{
    uint64_t early = enter(&in_a_row, NOW_MS), also = enter(&in_a_row, NOW_MS);
    open_at(NOW_MS);
    cr_assert_not(breaker_leave(&breaker, &in_a_row, early, BREAKER_FAILURE, NOW_MS, 0));
    uint64_t probe = enter(&in_a_row, NOW_MS + OPEN_MS);
    cr_assert_not(
        breaker_leave(&breaker, &in_a_row, also, BREAKER_SUCCESS, NOW_MS + OPEN_MS, 0));
    cr_assert_eq(breaker.state, BREAKER_HALF_OPEN, "only the probe decides");
    cr_assert_eq(ask(&in_a_row, NOW_MS + OPEN_MS), BREAKER_PROBING);
    cr_assert(
        breaker_leave(&breaker, &in_a_row, probe, BREAKER_FAILURE, NOW_MS + OPEN_MS, 0));
}

Test(breaker, begins_to_count_from_nothing_after_closing)
{
    open_at(NOW_MS);
    cr_assert_not(call(&in_a_row, NOW_MS + OPEN_MS, BREAKER_SUCCESS));
    cr_assert_not(call(&in_a_row, NOW_MS + OPEN_MS, BREAKER_FAILURE));
    cr_assert_not(call(&in_a_row, NOW_MS + OPEN_MS, BREAKER_FAILURE));
    cr_assert(call(&in_a_row, NOW_MS + OPEN_MS, BREAKER_FAILURE));
}

/* ------------------------------------------------------------------------ forgetting */

Test(breaker, is_clean_without_failures_in_the_window)
{
    cr_assert(breaker_is_clean(&breaker, &by_ratio, NOW_MS));
    cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_FAILURE));
    cr_assert_not(breaker_is_clean(&breaker, &by_ratio, NOW_MS));
    cr_assert_not(call(&by_ratio, NOW_MS, BREAKER_SUCCESS));
    cr_assert_not(breaker_is_clean(&breaker, &by_ratio, NOW_MS));
    cr_assert(breaker_is_clean(&breaker, &by_ratio, NOW_MS + WINDOW_MS));
    open_at(NOW_MS);
    cr_assert_not(breaker_is_clean(&breaker, &in_a_row, NOW_MS + 10 * WINDOW_MS));
}

Test(breaker, is_stale_when_nobody_probed_for_longer_than_the_longest_open_time)
{
    cr_assert_not(breaker_is_stale(&breaker, &in_a_row, UINT64_MAX));
    open_at(NOW_MS);
    cr_assert_not(breaker_is_stale(&breaker, &in_a_row, NOW_MS));
    uint64_t end_ms = NOW_MS + OPEN_MS + OPEN_MAX_MS;
    cr_assert_not(breaker_is_stale(&breaker, &in_a_row, end_ms));
    cr_assert(breaker_is_stale(&breaker, &in_a_row, end_ms + 1));
    uint64_t probe = enter(&in_a_row, NOW_MS + OPEN_MS);
    cr_assert_not(breaker_is_stale(&breaker, &in_a_row, UINT64_MAX), "it is probed");
    cr_assert_not(
        breaker_leave(&breaker, &in_a_row, probe, BREAKER_NOTHING, NOW_MS + OPEN_MS, 0));
    cr_assert_not(breaker_is_stale(&breaker, &in_a_row, end_ms));
    cr_assert(breaker_is_stale(&breaker, &in_a_row, end_ms + 1));
}

Test(breaker, is_not_stale_within_open_when_that_is_longer_than_open_max)
{
    struct breaker_rules rules = in_a_row;
    rules.open_max_ms = 1;
    open_at(NOW_MS);
    cr_assert_not(breaker_is_stale(&breaker, &rules, NOW_MS + 2 * OPEN_MS));
    cr_assert(breaker_is_stale(&breaker, &rules, NOW_MS + 2 * OPEN_MS + 1));
}

/* --------------------------------------------------------------------------- verdicts */

/* Every code of the API, so that a new one has to be thought of. */
Test(breaker, every_outcome_has_its_verdict)
{
    static const char verdicts[CALL_CODE_COUNT + 1] =
        "S"    /* ok */
        "..."  /* bad_url, blocked_url, blocked_address */
        "."    /* dns: the resolver's */
        "FF"   /* connect, tls */
        "FFFF" /* reset, empty_reply, truncated, bad_reply */
        "SSS"  /* decode, headers_too_large, too_large */
        "F"    /* maybe_sent: it was lost */
        "S"    /* redirect_limit */
        "FFFF" /* timeout_connect, _first_byte, _idle, _total */
        "..."  /* timeout_queue, overloaded, circuit_open */
        ".."   /* deadline, cancelled */
        "..";  /* expect_failed, dependency_failed: not the fetcher's */
    cr_assert_eq(strlen(verdicts), CALL_CODE_COUNT);
    for (int code = 0; code < CALL_CODE_COUNT; code++) {
        enum breaker_verdict expected = verdicts[code] == 'S'   ? BREAKER_SUCCESS
                                        : verdicts[code] == 'F' ? BREAKER_FAILURE
                                                                : BREAKER_NOTHING;
        cr_expect_eq(breaker_judge((enum call_code)code, 200, true), expected, "%s",
                     call_code_row((enum call_code)code)->name);
    }
}

Test(breaker, only_a_gateways_502_503_504_are_failures_among_the_statuses)
{
    for (int status = 100; status <= 999; status++) {
        bool is_bad = status == 502 || status == 503 || status == 504;
        cr_expect_eq(breaker_judge(CALL_OK, status, true),
                     is_bad ? BREAKER_FAILURE : BREAKER_SUCCESS, "%d", status);
    }
}

Test(breaker, a_clock_the_item_lowered_shows_nothing)
{
    cr_assert_eq(breaker_judge(CALL_TIMEOUT_CONNECT, 0, false), BREAKER_NOTHING);
    cr_assert_eq(breaker_judge(CALL_TIMEOUT_FIRST_BYTE, 0, false), BREAKER_NOTHING);
    cr_assert_eq(breaker_judge(CALL_TIMEOUT_IDLE, 0, false), BREAKER_NOTHING);
    cr_assert_eq(breaker_judge(CALL_TIMEOUT_TOTAL, 0, false), BREAKER_NOTHING);
    cr_assert_eq(breaker_judge(CALL_RESET, 0, false), BREAKER_FAILURE);
    cr_assert_eq(breaker_judge(CALL_OK, 200, false), BREAKER_SUCCESS);
}
