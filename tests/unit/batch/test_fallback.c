/* SPDX-License-Identifier: Apache-2.0 */
/* batch/fallback.h: when it applies, and what it becomes. */
#include "batch/fallback.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct call_header header = {{"content-type", 12}, {"text/plain", 10}};
static const struct fallback fallback = {
    .status = 203,
    .headers = &header,
    .header_count = 1,
    .body = {"old", 3},
    .content_type = {"text/plain", 10},
};

static bool applies(enum call_code code, int status, bool has_expect)
{
    struct item_options options;
    item_options_init(&options);
    options.fallback = &fallback;
    if (has_expect)
        options.expect = (const struct expectation *)&options;
    struct outcome outcome = {.code = code, .status = status};
    return fallback_applies(&options, &outcome);
}

Test(fallback, it_applies_to_every_failure_but_a_cancelled_item)
{
    for (int code = CALL_OK + 1; code < CALL_CODE_COUNT; code++)
        cr_expect_eq(applies((enum call_code)code, 0, false), code != CALL_CANCELLED);
    for (int status = 200; status < 600; status++)
        cr_expect_eq(applies(CALL_OK, status, false), status == 429 || status >= 500);
    cr_expect_not(applies(CALL_OK, 503, true), "expected");
}

Test(fallback, without_one_nothing_applies)
{
    struct item_options options;
    item_options_init(&options);
    struct outcome outcome = {.code = CALL_CONNECT};
    cr_expect_not(fallback_applies(NULL, &outcome));
    cr_expect_not(fallback_applies(&options, &outcome));
}

Test(fallback, it_becomes_a_good_reply_that_tells_what_led_to_it)
{
    struct outcome failed = {
        .code = CALL_RESET, .method = METHOD_PUT, .message = "so", .is_coalesced = true};
    failed.timing.total = 7.5;
    failed.timing.remote_address = "192.0.2.1:80";
    struct attempt_record one;
    struct outcome outcome = fallback_outcome(&fallback, &failed, &one);
    cr_expect_eq(outcome.code, CALL_OK);
    cr_expect_eq(outcome.status, 203);
    cr_expect_eq(outcome.method, METHOD_PUT);
    cr_expect_null(outcome.message);
    cr_expect_eq(outcome.headers, &header);
    cr_expect(slice_is(outcome.body, "old") && outcome.has_body);
    cr_expect(slice_is(outcome.content_type, "text/plain"));
    cr_expect(outcome.is_fallback && !outcome.is_coalesced);
    cr_assert_eq(outcome.attempt_count, 1);
    cr_expect_eq(outcome.attempts, &one);
    cr_expect_eq(one.code, CALL_RESET);
    cr_expect_eq(one.status, 0);
    cr_expect_float_eq(one.total_ms, 7.5, 1e-9);
    cr_expect_str_eq(one.remote_address, "192.0.2.1:80");
}

Test(fallback, the_attempts_of_several_are_kept)
{
    struct attempt_record records[2] = {{.status = 503}, {.status = 500}}, one;
    struct outcome failed = {
        .code = CALL_OK, .status = 500, .attempts = records, .attempt_count = 2};
    struct outcome outcome = fallback_outcome(&fallback, &failed, &one);
    cr_expect_eq(outcome.attempts, records);
    cr_expect_eq(outcome.attempt_count, 2);
}

Test(fallback, an_empty_body_is_none_and_an_unknown_address_stays_unknown)
{
    struct fallback empty = {.status = 204};
    struct outcome failed = {.code = CALL_DNS};
    struct attempt_record one;
    struct outcome outcome = fallback_outcome(&empty, &failed, &one);
    cr_expect_not(outcome.has_body);
    cr_expect_str_eq(one.remote_address, "");
}
