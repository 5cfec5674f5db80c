/* SPDX-License-Identifier: Apache-2.0 */
/* Replies held against what was expected of them, and what is said of those that fail. */
#include "batch/expect.h"

#include "base/utf8.h"

#include <criterion/criterion.h>
#include <stdio.h>

static char message[EXPECT_MESSAGE_MAX];

static struct outcome reply(int status, const char *type, const char *body)
{
    return (struct outcome){
        .code = CALL_OK,
        .status = status,
        .content_type = slice_from(type),
        .has_body = body != NULL,
        .body = slice_from(body),
    };
}

static bool meets(const struct expectation *expect, const struct outcome *outcome)
{
    message[0] = '\0';
    bool is_met = expect_check(expect, outcome, message);
    cr_expect_eq(is_met, message[0] == '\0');
    cr_expect(utf8_is_valid(slice_from(message)), "%s", message);
    return is_met;
}

static const struct {
    struct expectation expect;
    int status;
    bool is_met;
} statuses[] = {
    {{.statuses = {200}, .status_count = 1}, 200, true},
    {{.statuses = {200}, .status_count = 1}, 201, false},
    {{.statuses = {2}, .status_count = 1}, 200, true},
    {{.statuses = {2}, .status_count = 1}, 299, true},
    {{.statuses = {2}, .status_count = 1}, 300, false},
    {{.statuses = {2}, .status_count = 1}, 199, false},
    {{.statuses = {5, 404}, .status_count = 2}, 404, true},
    {{.statuses = {5, 404}, .status_count = 2}, 599, true},
    {{.statuses = {5, 404}, .status_count = 2}, 405, false},
    {{.statuses = {5}, .status_count = 1}, 600, false},
    {{.statuses = {4}, .status_count = 1}, 999, false},
    {{.statuses = {9}, .status_count = 0}, 999, true},
};

Test(expect, a_status_is_one_of_the_numbers_or_of_a_class)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct expectation expect = statuses[i].expect;
        expect.max_body_bytes = -1;
        struct outcome outcome = reply(statuses[i].status, NULL, NULL);
        cr_expect_eq(meets(&expect, &outcome), statuses[i].is_met, "row %zu", i);
    }
}

Test(expect, the_sentence_lists_all_statuses)
{
    struct expectation expect = {
        .statuses = {200, 3, 404}, .status_count = 3, .max_body_bytes = -1};
    struct outcome outcome = reply(503, NULL, NULL);
    cr_expect_not(meets(&expect, &outcome));
    cr_expect_str_eq(message, "the status is 503, not 200, 3xx or 404");
    expect.status_count = 1;
    cr_expect_not(meets(&expect, &outcome));
    cr_expect_str_eq(message, "the status is 503, not 200");
    for (size_t i = 0; i < EXPECT_STATUSES_MAX; i++)
        expect.statuses[i] = 599;
    expect.status_count = EXPECT_STATUSES_MAX;
    cr_expect_not(meets(&expect, &outcome));
    cr_expect(strstr(message, "or 599"), "%s", message);
}

static const struct {
    const char *wanted;
    const char *type;
    bool is_met;
} types[] = {
    {"application/json", "application/json", true},
    {"application/json", "Application/JSON", true},
    {"APPLICATION/json", "application/JSON; charset=utf-8", true},
    {"application/json", "application/json ;a=b", true},
    {"application/json", "\t application/json", true},
    {"application/json", "application/json;", true},
    {"application/json", "application/jsonx", false},
    {"application/json", "application/problem+json", false},
    {"application/json", "text/json", false},
    {"application/json", "application/", false},
    {"application/json", "", false},
    {"application/json", ";application/json", false},
    {"application/*", "application/json", true},
    {"application/*", "APPLICATION/x;y", true},
    {"application/*", "applications/x", false},
    {"application/*", "application/", false},
    {"application/*", "application", false},
    {"application/*", "text/plain", false},
    {"+json", "application/json", true},
    {"+json", "application/problem+JSON; charset=utf-8", true},
    {"+json", "text/json", true},
    {"+json", "a/b+json", true},
    {"+json", "a/+json", false},
    {"+json", "a/jsonb", false},
    {"+json", "a/bjson", false},
    {"+json", "a/json+xml", false},
    {"+json", "json", false},
    {"+json", "", false},
    {"+xml", "text/xml", true},
    {"+xml", "image/svg+xml", true},
};

Test(expect, types_are_compared_without_case_and_parameters)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct expectation expect = {.content_type = slice_from(types[i].wanted),
                                     .max_body_bytes = -1};
        struct outcome outcome = reply(200, types[i].type, "x");
        cr_expect_eq(meets(&expect, &outcome), types[i].is_met, "%s for %s",
                     types[i].type, types[i].wanted);
    }
}

static const char *sentence_of(const char *wanted, const char *type)
{
    struct expectation expect = {.content_type = slice_from(wanted),
                                 .max_body_bytes = -1};
    struct outcome outcome = reply(200, type, "x");
    cr_expect_not(meets(&expect, &outcome));
    return message;
}

Test(expect, the_sentence_shows_a_type_however_broken_it_is)
{
    char type[1000];
    cr_expect_str_eq(sentence_of("a/b", "c/d; e"), "the content-type is c/d, not a/b");
    cr_expect_str_eq(sentence_of("a/b", NULL), "there is no content-type, not a/b");
    cr_expect_str_eq(sentence_of("a/b", "\xff\x01 \x7f~"),
                     "the content-type is ????~, not a/b");
    memset(type, '\xff', sizeof type);
    type[sizeof type - 1] = '\0';
    cr_expect_eq(strlen(sentence_of("a/b", type)),
                 strlen("the content-type is , not a/b") + EXPECT_TYPE_MAX);
}

Test(expect, a_type_to_compare_with_has_one_of_three_forms)
{
    static const char *const good[] = {"a/b",   "text/html", "a/*",          "+json",
                                       "a/b+c", "x.y/z-1",   "!#$%&'/^_`|~", "+a+b"};
    static const char *const bad[] = {
        "",    "a",    "a/",       "/b",   "*/*", "*/b",  "a/b*", "a/**",       "a/b/c",
        "a b", "a/b;", "a/b; c=d", "a/b ", "+",   "json", "+j s", "a/\xc3\xa9", "a/(b)"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(expect_type_is_valid(slice_from(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(expect_type_is_valid(slice_from(bad[i])), "%s", bad[i]);
    cr_expect_not(expect_type_is_valid(slice_make("a/b\0", 4)));
    char text[EXPECT_TYPE_MAX + 1];
    memset(text, 'a', sizeof text);
    text[1] = '/';
    cr_expect(expect_type_is_valid(slice_make(text, EXPECT_TYPE_MAX)));
    cr_expect_not(expect_type_is_valid(slice_make(text, EXPECT_TYPE_MAX + 1)));
}

Test(expect, a_body_has_as_many_bytes_as_allowed_and_no_more)
{
    struct expectation expect = {.max_body_bytes = 3};
    struct outcome outcome = reply(200, NULL, "abc");
    cr_expect(meets(&expect, &outcome));
    outcome.body = slice_from("abcd");
    cr_expect_not(meets(&expect, &outcome));
    cr_expect_str_eq(message, "the body has 4 bytes, which is more than 3");
    outcome.has_body = false; /* HEAD */
    cr_expect(meets(&expect, &outcome));
    expect.max_body_bytes = 0;
    cr_expect(meets(&expect, &outcome));
}

Test(expect, a_body_contains_the_bytes_of_a_text)
{
    struct expectation expect = {.max_body_bytes = -1,
                                 .body_contains = slice_from("n\xc3\xa9")};
    struct outcome outcome = reply(200, NULL, "n\xc3\xa9");
    cr_expect(meets(&expect, &outcome));
    outcome.body = slice_make("\0\xffn\xc3\xa9", 5);
    cr_expect(meets(&expect, &outcome));
    outcome.body = slice_from("n\xc3");
    cr_expect_not(meets(&expect, &outcome));
    cr_expect_str_eq(message, "the body of 2 bytes does not contain \"n\xc3\xa9\"");
    outcome.has_body = false;
    cr_expect_not(meets(&expect, &outcome));
    cr_expect_str_eq(message, "the body of 0 bytes does not contain \"n\xc3\xa9\"");
}

Test(expect, a_long_text_is_cut_between_characters)
{
    char text[300];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "\xe2\x82\xac"[i % 3];
    struct expectation expect = {.max_body_bytes = -1,
                                 .body_contains = slice_make(text, sizeof text)};
    struct outcome outcome = reply(200, NULL, "x");
    cr_expect_not(meets(&expect, &outcome));
    cr_expect(strstr(message, "…\""), "%s", message);
}

Test(expect, only_replies_are_judged)
{
    struct expectation expect = {
        .statuses = {204}, .status_count = 1, .max_body_bytes = -1};
    struct outcome outcome = {.code = CALL_DNS, .message = "no such name"};
    expect_judge(&expect, &outcome, message);
    cr_expect_eq(outcome.code, CALL_DNS);
    cr_expect_str_eq(outcome.message, "no such name");
    outcome = reply(204, NULL, NULL);
    expect_judge(&expect, &outcome, message);
    cr_expect_eq(outcome.code, CALL_OK);
    outcome.status = 404;
    expect_judge(&expect, &outcome, message);
    cr_expect_eq(outcome.code, CALL_EXPECT_FAILED);
    cr_expect_eq(outcome.status, 404);
    cr_expect_str_eq(outcome.message, "the status is 404, not 204");
}
