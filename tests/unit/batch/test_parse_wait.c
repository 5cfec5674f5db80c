/* SPDX-License-Identifier: Apache-2.0 */
/* "until", "failFast", "onFailure" and "optional": what is taken, and what is refused
 * with which sentence. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

static struct batch *parse_with(const char *options, struct parse_errors *errors)
{
    char text[256];
    snprintf(text, sizeof text, "{'urls': ['a', 'b', 'c'], %s}", options);
    return fixture_parse_quoted(text, errors);
}

static void check_policy(const char *options, enum wait_until until, uint32_t ok_needed,
                         bool fails_fast)
{
    struct parse_errors errors;
    struct batch *batch = parse_with(options, &errors);
    cr_assert_not_null(batch, "%s", options);
    cr_expect_eq(batch->wait.until, until, "%s", options);
    cr_expect_eq(batch->wait.ok_needed, ok_needed, "%s", options);
    cr_expect_eq(batch->wait.fails_fast, fails_fast, "%s", options);
    batch_free(batch);
}

static void check_refusal(const char *options, const char *pointer, const char *part)
{
    struct parse_errors errors;
    cr_assert_null(parse_with(options, &errors), "%s", options);
    cr_expect(fixture_has_error(&errors, pointer, part), "%s", options);
    cr_expect_eq(errors.total, 1, "%s", options);
    parse_errors_done(&errors);
}

Test(parse_wait, every_spelling_is_taken)
{
    check_policy("'include': []", WAIT_ALL, 0, false);
    check_policy("'until': 'all'", WAIT_ALL, 0, false);
    check_policy("'until': 'firstDone'", WAIT_FIRST_DONE, 0, false);
    check_policy("'until': 'firstOk'", WAIT_OK, 1, false);
    check_policy("'until': {'ok': 1}", WAIT_OK, 1, false);
    check_policy("'until': {'ok': 3}, 'failFast': true", WAIT_OK, 3, true);
    check_policy("'failFast': true", WAIT_ALL, 0, true);
    check_policy("'failFast': false", WAIT_ALL, 0, false);
}

Test(parse_wait, what_is_no_policy_is_refused)
{
    static const char *const wrong[] = {
        "'until': 'any'",      "'until': 'ok:2'", "'until': 1",
        "'until': null",       "'until': ['ok']", "'until': {}",
        "'until': true",       "'until': ''",     "'until': {'ok': 1, 'done': 1}",
        "'until': {'done': 1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_refusal(wrong[i], "/until", "\"firstDone\", \"firstOk\" or {\"ok\": n}");
    check_refusal("'failFast': 1", "/failFast", "true or false");
    check_refusal("'failFast': 'true'", "/failFast", "true or false");
    check_refusal("'onFailure': 'fail'", "/onFailure", "must be \"status\"");
    check_refusal("'onFailure': true", "/onFailure", "must be \"status\"");
}

Test(parse_wait, more_than_there_are_cannot_be_waited_for)
{
    static const char *const wrong[] = {"4",    "0",          "-1",
                                        "1.0",  "'2'",        "[2]",
                                        "null", "4294967297", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char options[64];
        snprintf(options, sizeof options, "'until': {'ok': %s}", wrong[i]);
        check_refusal(options, "/until/ok", "from 1 to 3, the number of requests");
    }
}

Test(parse_wait, without_requests_only_that_is_told)
{
    struct parse_errors errors;
    cr_expect_null(fixture_parse_quoted("{'urls': [], 'until': {'ok': 1}}", &errors));
    cr_expect(fixture_has_error(&errors, "/urls", "at least one"));
    cr_expect_eq(errors.total, 1);
    parse_errors_done(&errors);
}

Test(parse_wait, the_status_may_tell_of_failure)
{
    struct parse_errors errors;
    struct batch *batch = parse_with("'onFailure': 'status'", &errors);
    cr_expect(batch->takes_failure_status);
    batch_free(batch);
    batch = parse_with("'until': 'all'", &errors);
    cr_expect_not(batch->takes_failure_status);
    batch_free(batch);
}

Test(parse_wait, items_are_optional_by_themselves_or_by_default)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_quoted(
        "{'requests': ['a', {'url': 'b', 'optional': false}, "
        "{'url': 'c', 'optional': true}, {'url': 'd'}], 'defaults': {'optional': true}}",
        &errors);
    cr_assert_not_null(batch);
    cr_expect(item_is_optional(&batch->items[0]));
    cr_expect_not(item_is_optional(&batch->items[1]));
    cr_expect(item_is_optional(&batch->items[2]));
    cr_expect(item_is_optional(&batch->items[3]));
    batch_free(batch);
    batch = fixture_parse_quoted("['a', {'url': 'b', 'coalesce': true}]", &errors);
    cr_expect_not(item_is_optional(&batch->items[0]));
    cr_expect_not(item_is_optional(&batch->items[1]));
    batch_free(batch);
}

/* ---------------------------------------------------------------------- in a query */

static struct batch *query_with(const char *name, const char *value,
                                struct parse_errors *errors)
{
    struct config config = fixture_config();
    const struct parse_argument arguments[] = {
        {.name = slice_from("url"), .value = slice_from("a")},
        {.name = slice_from(name), .value = slice_from(value)},
        {.name = slice_from("url"), .value = slice_from("b")},
    };
    return parse_query(arguments, 3, &(struct parse_setup){.config = &config}, errors);
}

static void check_query(const char *value, enum wait_until until, uint32_t ok_needed)
{
    struct parse_errors errors;
    struct batch *batch = query_with("until", value, &errors);
    cr_assert_not_null(batch, "%s", value);
    cr_expect_eq(batch->wait.until, until, "%s", value);
    cr_expect_eq(batch->wait.ok_needed, ok_needed, "%s", value);
    batch_free(batch);
}

Test(parse_wait, a_query_says_the_same)
{
    struct parse_errors errors;
    check_query("all", WAIT_ALL, 0);
    check_query("firstDone", WAIT_FIRST_DONE, 0);
    check_query("firstOk", WAIT_OK, 1);
    check_query("ok:2", WAIT_OK, 2);
    struct batch *batch = query_with("failFast", "true", &errors);
    cr_expect(batch->wait.fails_fast);
    batch_free(batch);
    batch = query_with("failFast", "false", &errors);
    cr_expect_not(batch->wait.fails_fast);
    batch_free(batch);
    batch = query_with("onFailure", "status", &errors);
    cr_expect(batch->takes_failure_status);
    batch_free(batch);
}

Test(parse_wait, a_query_is_refused_for_the_same)
{
    static const struct {
        const char *name, *value, *pointer;
    } wrong[] = {
        {"until", "ok:3", "/until/ok"},  {"until", "ok:0", "/until/ok"},
        {"until", "ok:x", "/until/ok"},  {"until", "ok:1/", "/until/ok"},
        {"until", "ok:", "/until"},      {"until", "", "/until"},
        {"until", "ok", "/until"},       {"until", "no:1", "/until"},
        {"failFast", "", "/failFast"},   {"failFast", "1", "/failFast"},
        {"onFailure", "", "/onFailure"}, {"until", "ok:4294967297", "/until/ok"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct parse_errors errors;
        cr_expect_null(query_with(wrong[i].name, wrong[i].value, &errors), "%s=%s",
                       wrong[i].name, wrong[i].value);
        cr_expect(fixture_has_error(&errors, wrong[i].pointer, "must be"), "%s=%s",
                  wrong[i].name, wrong[i].value);
        parse_errors_done(&errors);
    }
}
