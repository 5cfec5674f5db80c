/* SPDX-License-Identifier: Apache-2.0 */
/* Wishes against limits: lower is granted, higher is not. */
#include "batch/plan.h"

#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { NOW = 5000 };

static struct batch *parse(const char *text)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_quoted(text, &errors);
    cr_assert_not_null(batch, "%s", text);
    return batch;
}

Test(plan, without_wishes_the_configuration_holds)
{
    struct config config = fixture_config();
    struct batch *batch = parse("['http://a/']");
    struct plan plan = plan_make(batch, &config, NOW);
    const struct call *call = &batch->items[0].call;
    cr_expect_eq(plan.deadline_ms, NOW + 15000);
    cr_expect_eq(plan.concurrency, 0);
    cr_expect(fixture_is(call->url, "http://a/"));
    cr_expect_eq(call->method, METHOD_GET);
    cr_expect_eq(call->header_count, 0);
    cr_expect_not(call->has_body);
    cr_expect_eq(call->timeout_ms, 10000);
    cr_expect_eq(call->connect_timeout_ms, 2000);
    cr_expect_eq(call->redirects, 0);
    cr_expect_eq(call->body_max_bytes, 4 << 20);
    cr_expect_eq(call->deadline_ms, plan.deadline_ms);
    batch_free(batch);
}

Test(plan, wishes_lower_the_limits_and_never_raise_them)
{
    struct config config = fixture_config();
    struct batch *batch =
        parse("[{'url': 'a', 'timeoutMs': 9999, 'connectTimeoutMs': 1999, 'redirects': 4,"
              " 'maxBodyBytes': 1}, {'url': 'b', 'timeoutMs': 10001, 'connectTimeoutMs': "
              "600000,"
              " 'redirects': 20, 'maxBodyBytes': 9007199254740991}]");
    plan_make(batch, &config, NOW);
    const struct call *low = &batch->items[0].call;
    cr_expect_eq(low->timeout_ms, 9999);
    cr_expect_eq(low->connect_timeout_ms, 1999);
    cr_expect_eq(low->redirects, 4);
    cr_expect_eq(low->body_max_bytes, 1);
    const struct call *high = &batch->items[1].call;
    cr_expect_eq(high->timeout_ms, 10000);
    cr_expect_eq(high->connect_timeout_ms, 2000);
    cr_expect_eq(high->redirects, 5);
    cr_expect_eq(high->body_max_bytes, 4 << 20);
    batch_free(batch);
}

Test(plan, what_is_sent_arrives_in_the_call)
{
    struct config config = fixture_config();
    struct batch *batch =
        parse("[{'url': 'a', 'method': 'PUT', 'headers': {'a': 'b'}, 'body': []}]");
    plan_make(batch, &config, NOW);
    const struct call *call = &batch->items[0].call;
    cr_expect_eq(call->method, METHOD_PUT);
    cr_expect_eq(call->header_count, 2);
    cr_expect(fixture_is(call->headers[1].name, "content-type"));
    cr_expect(call->has_body);
    cr_expect(fixture_is(call->body, "[]"));
    batch_free(batch);
}

static struct plan plan_of(uint32_t deadline, uint32_t concurrency,
                           const struct config *config)
{
    struct batch *batch = parse("['a']");
    batch->deadline_ms = deadline;
    batch->concurrency = concurrency;
    struct plan plan = plan_make(batch, config, NOW);
    batch_free(batch);
    return plan;
}

Test(plan, the_deadline_is_the_wish_up_to_the_most)
{
    struct config config = fixture_config();
    cr_expect_eq(plan_of(1, 0, &config).deadline_ms, NOW + 1);
    cr_expect_eq(plan_of(120000, 0, &config).deadline_ms, NOW + 120000);
    cr_expect_eq(plan_of(600000, 0, &config).deadline_ms, NOW + 120000);
    config.batch.max_deadline_ms = 1000;
    cr_expect_eq(plan_of(0, 0, &config).deadline_ms, NOW + 1000);
}

Test(plan, the_smaller_concurrency_counts_and_0_is_none)
{
    struct config config = fixture_config();
    cr_expect_eq(plan_of(0, 7, &config).concurrency, 7);
    config.batch.concurrency = 5;
    cr_expect_eq(plan_of(0, 0, &config).concurrency, 5);
    cr_expect_eq(plan_of(0, 7, &config).concurrency, 5);
    cr_expect_eq(plan_of(0, 3, &config).concurrency, 3);
}

Test(plan, limits_of_the_configuration_beyond_32_bits_are_cut_not_wrapped)
{
    struct config config = fixture_config();
    config.fetch.timeout_ms = (uint64_t)1 << 40;
    struct batch *batch = parse("['a']");
    plan_make(batch, &config, NOW);
    cr_expect_eq(batch->items[0].call.timeout_ms, UINT32_MAX);
    batch_free(batch);
}

Test(plan, an_items_word_about_coalescing_wins_over_the_batchs)
{
    static const char *const items = "'requests': ['a', {'url': 'b', 'coalesce': true}, "
                                     "{'url': 'c', 'coalesce': false},"
                                     " {'url': 'd', 'optional': true}]}";
    static const bool expected[2][4] = {{false, true, false, false},
                                        {true, true, false, true}};
    struct config config = fixture_config();
    for (int on = 0; on < 2; on++) {
        char text[256];
        snprintf(text, sizeof text, "{'coalesce': %s, %s", on ? "true" : "false", items);
        struct batch *batch = parse(text);
        plan_make(batch, &config, NOW);
        for (size_t i = 0; i < 4; i++)
            cr_expect_eq(batch->items[i].call.coalesces, expected[on][i], "%d %zu", on,
                         i);
        batch_free(batch);
    }
}

Test(plan, what_time_the_client_has_left_lowers_the_deadline_and_never_raises_it)
{
    static const struct {
        uint64_t left_ms, expected_ms;
    } cases[] = {{0, 0},       {1, 1},       {2999, 2999},
                 {3000, 3000}, {3001, 3000}, {UINT64_MAX, 3000}};
    struct config config = fixture_config();
    struct batch *batch = parse("{'urls': ['a'], 'deadlineMs': 3000}");
    batch->has_time_left = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        batch->time_left_ms = cases[i].left_ms;
        cr_expect_eq(plan_deadline_ms(batch, &config), cases[i].expected_ms);
        cr_expect_eq(plan_make(batch, &config, NOW).deadline_ms,
                     NOW + cases[i].expected_ms);
    }
    batch_free(batch);
}

Test(plan, what_is_signed_shares_no_call)
{
    static const struct signing *const some = (const void *)"";
    struct item_options options = {.coalesces = 1, .signing = some};
    struct item item = {.options = &options, .redirects = -1};
    struct batch batch = {.items = &item, .count = 1, .coalesces = true};
    struct config config = fixture_config();
    plan_make(&batch, &config, 0);
    cr_expect(!item.call.coalesces);
    options.signing = NULL;
    plan_make(&batch, &config, 0);
    cr_expect(item.call.coalesces);
}
