/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents and their pages. */
#include "http/problem.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *document(enum problem_type type, const char *detail,
                        const struct parse_errors *errors)
{
    struct buffer text;
    buffer_init(&text, 1 << 16);
    problem_document(&text, type, detail, "id-1", errors);
    cr_assert_not(text.failed);
    json_t *root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    buffer_done(&text);
    cr_assert_not_null(root);
    return root;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

Test(problem, every_type_has_a_document_and_a_page)
{
    for (int type = 0; type < PROBLEM_COUNT; type++) {
        json_t *root = document((enum problem_type)type, "why", NULL);
        cr_expect_eq(json_integer_value(json_object_get(root, "status")),
                     problem_status((enum problem_type)type));
        cr_expect(problem_status((enum problem_type)type) >= 400);
        cr_expect_str_eq(member(root, "detail"), "why");
        cr_expect_str_eq(member(root, "requestId"), "id-1");
        cr_expect(*member(root, "title"));
        static const char folder[] = "/problems/";
        const char *name = strstr(member(root, "type"), folder);
        cr_assert_not_null(name);
        struct buffer page;
        buffer_init(&page, 1 << 16);
        cr_expect(problem_page(&page, slice_from(name + sizeof folder - 1)));
        cr_expect(page.len > 60);
        buffer_done(&page);
        json_decref(root);
    }
}

Test(problem, a_message_by_hand_has_every_header_of_a_reply)
{
    struct buffer message;
    buffer_init(&message, 4096);
    problem_message(&message, PROBLEM_OVERLOADED, "too many", "id-1");
    const char *text = buffer_text(&message);
    cr_assert_not_null(text);
    static const char *const parts[] = {
        "Connection: close\r\n",       "Content-Type: application/problem+json\r\n",
        "Cache-Control: no-store\r\n", "X-Content-Type-Options: nosniff\r\n",
        "X-Request-Id: id-1\r\n",      "Retry-After: 1\r\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_expect(strstr(text, parts[i]), "%s is missing", parts[i]);
    static const char first[] = "HTTP/1.1 503 Service Unavailable\r\n";
    cr_expect(strncmp(text, first, sizeof first - 1) == 0, "%s", text);
    const char *body = strstr(text, "\r\n\r\n");
    cr_assert_not_null(body);
    char length[64];
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body + 4));
    cr_expect(strstr(text, length), "%s", text);
    json_t *root = json_loads(body + 4, JSON_REJECT_DUPLICATES, NULL);
    cr_expect_str_eq(member(root, "requestId"), "id-1");
    json_decref(root);
    buffer_done(&message);
}

Test(problem, errors_keep_their_pointers_whatever_they_hold)
{
    struct parse_errors errors = {
        .list = {{.pointer = (char[]){"/0/a\"\\\n\x7f\xe2\x80\xa8"},
                  .detail = (char[]){"one"}},
                 {.pointer = (char[]){""}, .detail = (char[]){"two"}}},
        .count = 2,
        .total = 2,
    };
    json_t *root = document(PROBLEM_INVALID_BATCH, NULL, &errors);
    json_t *list = json_object_get(root, "errors");
    cr_assert_eq(json_array_size(list), 2);
    cr_expect_str_eq(member(json_array_get(list, 0), "pointer"),
                     "/0/a\"\\\n\x7f\xe2\x80\xa8");
    cr_expect_str_eq(member(json_array_get(list, 1), "detail"), "two");
    cr_expect_null(json_object_get(root, "detail"));
    json_decref(root);
}

Test(problem, a_document_that_does_not_fit_fails_as_a_whole)
{
    struct buffer text;
    buffer_init(&text, 20);
    problem_document(&text, PROBLEM_OVERLOADED, "why", "id", NULL);
    cr_expect(text.failed);
    buffer_done(&text);
}

Test(problem, an_unknown_name_has_no_page)
{
    struct buffer page;
    buffer_init(&page, 1 << 16);
    cr_expect_not(problem_page(&page, slice_from("nope")));
    cr_expect_not(problem_page(&page, slice_from("")));
    cr_expect_not(problem_page(&page, slice_from("Overloaded")));
    cr_expect_eq(page.len, 0);
    buffer_done(&page);
}
