/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/retry.h: the table of its header, line by line, and the waits. */
#include "fetch/retry.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define NOW_S 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static struct retry_facts facts_of(enum call_code code, int status,
                                   enum call_method method)
{
    return (struct retry_facts){.code = code, .status = status, .method = method};
}

static bool may_repeat(enum call_code code, int status, enum call_method method)
{
    struct retry_facts facts = facts_of(code, status, method);
    return retry_may_repeat(&facts);
}

static bool may_divert(enum call_code code, int status, enum call_method method)
{
    struct retry_facts facts = facts_of(code, status, method);
    return retry_may_divert(&facts);
}

static bool is_listed(int code, const int *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}

Test(retry, every_code_is_repeated_or_not)
{
    static const int repeated[] = {CALL_DNS,   CALL_CONNECT,     CALL_TIMEOUT_CONNECT,
                                   CALL_RESET, CALL_EMPTY_REPLY, CALL_MAYBE_SENT};
    for (int code = CALL_OK + 1; code < CALL_CODE_COUNT; code++)
        cr_expect_eq(may_repeat((enum call_code)code, 0, METHOD_GET),
                     is_listed(code, repeated, sizeof repeated / sizeof *repeated), "%s",
                     call_code_row((enum call_code)code)->name);
}

Test(retry, of_all_statuses_four_are_repeated)
{
    static const int repeated[] = {429, 502, 503, 504};
    for (int status = 100; status < 600; status++) {
        bool is_repeated = is_listed(status, repeated, 4);
        cr_expect_eq(may_repeat(CALL_OK, status, METHOD_GET), is_repeated, "%d", status);
        cr_expect_eq(may_repeat(CALL_EXPECT_FAILED, status, METHOD_GET), is_repeated,
                     "%d", status);
    }
}

Test(retry, unsafe_methods_are_repeated_with_a_key_only)
{
    static const enum call_code codes[] = {CALL_CONNECT, CALL_RESET, CALL_MAYBE_SENT};
    for (int method = 0; method < METHOD_COUNT; method++) {
        bool is_unsafe = method == METHOD_POST || method == METHOD_PATCH;
        for (size_t i = 0; i < 3; i++) {
            struct retry_facts facts = facts_of(codes[i], 0, (enum call_method)method);
            cr_expect_eq(retry_may_repeat(&facts), !is_unsafe, "%d %d", method, codes[i]);
            facts.has_key = true;
            cr_expect(retry_may_repeat(&facts));
        }
    }
}

Test(retry, a_status_that_is_expected_is_neither_repeated_nor_a_failure)
{
    struct retry_facts facts = facts_of(CALL_OK, 503, METHOD_GET);
    cr_expect(retry_is_failure(&facts) && retry_may_repeat(&facts));
    facts.has_expect = true;
    cr_expect_not(retry_is_failure(&facts));
    cr_expect_not(retry_may_repeat(&facts));
    cr_expect_not(retry_may_divert(&facts));
    facts.code = CALL_EXPECT_FAILED;
    cr_expect(retry_is_failure(&facts) && retry_may_repeat(&facts));
}

Test(retry, failures_are_errors_and_statuses_of_429_or_5xx)
{
    for (int status = 100; status < 600; status++) {
        struct retry_facts facts = facts_of(CALL_OK, status, METHOD_GET);
        bool is_failure = status == 429 || status >= 500;
        cr_expect_eq(retry_is_failure(&facts), is_failure, "%d", status);
        cr_expect_eq(retry_may_divert(&facts), is_failure, "%d", status);
    }
    for (int code = CALL_OK + 1; code < CALL_CODE_COUNT; code++) {
        struct retry_facts facts = facts_of((enum call_code)code, 0, METHOD_GET);
        cr_expect(retry_is_failure(&facts) && retry_may_divert(&facts));
    }
}

Test(retry, unsafe_methods_go_elsewhere_when_no_byte_was_sent)
{
    static const int unsent[] = {
        CALL_BAD_URL,    CALL_BLOCKED_URL,  CALL_BLOCKED_ADDRESS,
        CALL_DNS,        CALL_CONNECT,      CALL_TIMEOUT_QUEUE,
        CALL_OVERLOADED, CALL_CIRCUIT_OPEN, CALL_TIMEOUT_CONNECT,
    };
    for (int code = CALL_OK + 1; code < CALL_CODE_COUNT; code++) {
        bool is_unsent = is_listed(code, unsent, sizeof unsent / sizeof *unsent);
        cr_expect_eq(may_divert((enum call_code)code, 0, METHOD_POST), is_unsent, "%s",
                     call_code_row((enum call_code)code)->name);
        cr_expect(may_divert((enum call_code)code, 0, METHOD_PUT));
    }
    cr_expect_not(may_divert(CALL_OK, 503, METHOD_PATCH));
    struct retry_facts facts = facts_of(CALL_OK, 503, METHOD_PATCH);
    facts.has_key = true;
    cr_expect(retry_may_divert(&facts));
}

Test(retry, after_a_redirect_a_request_was_sent_whatever_the_code_says)
{
    struct retry_facts facts = facts_of(CALL_CONNECT, 0, METHOD_POST);
    facts.was_redirected = true;
    cr_expect_not(retry_may_divert(&facts));
    facts.method = METHOD_GET;
    cr_expect(retry_may_divert(&facts));
}

static uint64_t longest(unsigned tried)
{
    uint64_t most = 0;
    for (uint64_t random = 0; random < 2 * RETRY_LONGEST_MS + 2; random++) {
        uint64_t wait_ms = retry_backoff_ms(tried, random);
        most = wait_ms > most ? wait_ms : most;
    }
    return most;
}

Test(retry, the_backoff_is_anything_from_nothing_to_what_grows)
{
    cr_expect_eq(longest(1), 25);
    cr_expect_eq(longest(2), 75);
    cr_expect_eq(longest(3), 175);
    cr_expect_eq(longest(4), 250);
    cr_expect_eq(longest(16), 250);
    cr_expect_eq(longest(~0u), 250);
    for (unsigned tried = 1; tried < 5; tried++)
        cr_expect_eq(retry_backoff_ms(tried, 0), 0);
    cr_expect_leq(retry_backoff_ms(3, UINT64_MAX), 175);
}

static uint64_t wait_for(const char *retry_after)
{
    struct call_header headers[] = {
        {.name = slice_from("server"), .value = slice_from("7")},
        {.name = slice_from("retry-after"), .value = slice_from(retry_after)},
    };
    struct outcome outcome = {.headers = headers, .header_count = 2};
    return retry_wait_ms(&outcome, 10, NOW_S, 5000);
}

Test(retry, the_upstream_says_when_to_come_again)
{
    cr_expect_eq(wait_for("2"), 2010);
    cr_expect_eq(wait_for("0.25"), 260);
    cr_expect_eq(wait_for("Sun, 06 Nov 1994 08:49:40 GMT"), 3010);
    cr_expect_eq(wait_for("Sun, 06 Nov 1994 08:00:00 GMT"), 10);
}

Test(retry, absurd_waits_are_ignored_and_long_ones_told_as_too_long)
{
    cr_expect_eq(wait_for("soon"), 10);
    cr_expect_eq(wait_for("-1"), 10);
    cr_expect_eq(wait_for("99999999999"), 10);
    cr_expect_gt(wait_for("6"), 5000);
    cr_expect_gt(wait_for("86400"), 5000);
    struct outcome outcome = {.code = CALL_CONNECT};
    cr_expect_eq(retry_wait_ms(&outcome, 17, NOW_S, 5000), 17);
}

Test(retry, the_first_sound_line_of_several_counts)
{
    struct call_header headers[] = {
        {.name = slice_from("retry-after"), .value = slice_from("x")},
        {.name = slice_from("retry-after"), .value = slice_from("1")},
        {.name = slice_from("retry-after"), .value = slice_from("2")},
    };
    struct outcome outcome = {.headers = headers, .header_count = 3};
    cr_expect_eq(retry_wait_ms(&outcome, 0, NOW_S, 5000), 1000);
}
