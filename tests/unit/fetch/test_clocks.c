/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/clocks.h: each clock under its own name, the nearest first, never late. */
#include "fetch/clocks.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct clock_limits limits = {
    .total_ms = 10000, .connect_ms = 2000, .first_byte_ms = 3000, .idle_ms = 1000};
static const struct clock_marks marks = {
    .started_ms = 100, .hop_ms = 100, .sent_ms = 500, .active_ms = 700};

static enum call_code code_at(const struct clock_limits *with, enum call_phase phase,
                              uint64_t now_ms)
{
    return clocks_judge(with, &marks, phase, now_ms).code;
}

Test(clocks, each_phase_has_its_own_clock)
{
    cr_expect_eq(code_at(&limits, PHASE_CONNECTING, 2099), CALL_OK);
    cr_expect_eq(code_at(&limits, PHASE_CONNECTING, 2100), CALL_TIMEOUT_CONNECT);
    cr_expect_eq(code_at(&limits, PHASE_WAITING, 3499), CALL_OK);
    cr_expect_eq(code_at(&limits, PHASE_WAITING, 3500), CALL_TIMEOUT_FIRST_BYTE);
    cr_expect_eq(code_at(&limits, PHASE_RECEIVING, 1699), CALL_OK);
    cr_expect_eq(code_at(&limits, PHASE_RECEIVING, 1700), CALL_TIMEOUT_IDLE);
    cr_expect_eq(code_at(&limits, PHASE_SENDING, 1700), CALL_TIMEOUT_IDLE);
    cr_expect_eq(code_at(&limits, PHASE_QUEUED, 10099), CALL_OK);
    cr_expect_eq(code_at(&limits, PHASE_QUEUED, 10100), CALL_TIMEOUT_TOTAL);
}

Test(clocks, a_total_that_is_smaller_is_named_after_the_phase)
{
    struct clock_limits tight = limits;
    tight.total_ms = 650;
    cr_expect_eq(code_at(&tight, PHASE_CONNECTING, 750), CALL_TIMEOUT_CONNECT);
    cr_expect_eq(code_at(&tight, PHASE_WAITING, 750), CALL_TIMEOUT_FIRST_BYTE);
    cr_expect_eq(code_at(&tight, PHASE_RECEIVING, 750), CALL_TIMEOUT_TOTAL);
    cr_expect_eq(code_at(&tight, PHASE_SENDING, 750), CALL_TIMEOUT_TOTAL);
    cr_expect_eq(code_at(&tight, PHASE_WAITING, 749), CALL_OK);
}

Test(clocks, the_message_names_the_limit_that_ran_out)
{
    struct clock_limits tight = limits;
    char text[96];
    tight.total_ms = 500;
    struct clock_verdict verdict = clocks_judge(&tight, &marks, PHASE_WAITING, 600);
    clocks_message(&verdict, text, sizeof text);
    cr_assert_str_eq(text, "no reply within 500 ms");
    verdict = clocks_judge(&limits, &marks, PHASE_CONNECTING, 99999);
    clocks_message(&verdict, text, sizeof text);
    cr_assert_str_eq(text, "not connected within 2000 ms");
    verdict = clocks_judge(&limits, &marks, PHASE_RECEIVING, 1700);
    clocks_message(&verdict, text, sizeof text);
    cr_assert_str_eq(text, "no byte moved within 1000 ms");
}

Test(clocks, the_verdict_knows_whose_limit_it_was)
{
    struct clock_limits own = limits;
    own.total_ms = 650;
    own.is_total_lowered = true;
    cr_expect(clocks_judge(&own, &marks, PHASE_WAITING, 750).is_lowered);
    own.total_ms = 10000;
    cr_expect_not(clocks_judge(&own, &marks, PHASE_WAITING, 3500).is_lowered);
    cr_expect_not(clocks_judge(&own, &marks, PHASE_RECEIVING, 1700).is_lowered);
    cr_expect_not(clocks_judge(&own, &marks, PHASE_CONNECTING, 2100).is_lowered);
    own.is_connect_lowered = true;
    cr_expect(clocks_judge(&own, &marks, PHASE_CONNECTING, 2100).is_lowered);
    own.total_ms = own.connect_ms; /* both run out: the gateway's own counts */
    own.is_connect_lowered = false;
    cr_expect_not(clocks_judge(&own, &marks, PHASE_CONNECTING, 2100).is_lowered);
}

Test(clocks, zero_means_no_such_limit)
{
    struct clock_limits none = {0};
    struct clock_verdict verdict = clocks_judge(&none, &marks, PHASE_WAITING, 1u << 30);
    cr_assert_not(verdict.is_out);
    cr_assert_eq(verdict.next_ms, UINT64_MAX);
}

Test(clocks, looks_again_early_enough_for_a_phase_that_begins_right_after)
{
    /* Waiting until 3500; but a first byte at 601 makes the idle clock end at 1601. */
    struct clock_verdict verdict = clocks_judge(&limits, &marks, PHASE_WAITING, 600);
    cr_assert_not(verdict.is_out);
    cr_assert_leq(verdict.next_ms, 1600);
    verdict = clocks_judge(&limits, &marks, PHASE_RECEIVING, 900);
    cr_assert_eq(verdict.next_ms, 1700);
}

Test(clocks, the_message_of_the_total_names_no_phase)
{
    struct clock_verdict verdict = {.code = CALL_TIMEOUT_TOTAL, .limit_ms = 700};
    char text[96];
    clocks_message(&verdict, text, sizeof text);
    cr_assert_str_eq(text, "not finished within 700 ms");
}
