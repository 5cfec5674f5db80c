/* SPDX-License-Identifier: Apache-2.0 */
/* Which form an Accept header asks for. */
#include "http/accept.h"

#include <criterion/criterion.h>

static struct accept_choice choose(const char *value)
{
    struct accept accept = {.is_there = false};
    accept_add(&accept, slice_from(value));
    return accept_choose(&accept);
}

#define JSON "application/json"
#define NDJSON "application/x-ndjson"
#define EVENTS "text/event-stream"

struct row {
    const char *value;
    const char *content_type;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(choose(rows[i].value).content_type, rows[i].content_type, "%s",
                         rows[i].value);
}

Test(accept, without_the_header_it_is_json)
{
    const struct accept none = {.is_there = false};
    cr_expect_eq(accept_choose(&none).form, REPLY_JSON);
    cr_expect_str_eq(accept_choose(&none).content_type, JSON);
}

Test(accept, each_form_is_chosen_in_the_spelling_asked_for)
{
    static const struct {
        const char *value;
        enum reply_form form;
    } rows[] = {
        {JSON, REPLY_JSON},
        {NDJSON, REPLY_NDJSON},
        {"application/ndjson", REPLY_NDJSON},
        {"application/jsonl", REPLY_NDJSON},
        {EVENTS, REPLY_EVENTS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(choose(rows[i].value).form, rows[i].form, "%s", rows[i].value);
        cr_expect_str_eq(choose(rows[i].value).content_type, rows[i].value);
    }
}

Test(accept, what_clients_send_by_themselves_gets_json)
{
    static const struct row rows[] = {
        {"*/*", JSON},                               /* curl, Go, Python */
        {"application/json, text/plain, */*", JSON}, /* axios */
        {"application/*+json, application/json", JSON},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
         "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
         JSON}, /* a browser's address bar */
        {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", JSON}, /* Java 8 */
    };
    check(rows, sizeof rows / sizeof *rows);
}

Test(accept, the_highest_quality_wins_and_json_among_equals)
{
    static const struct row rows[] = {
        {NDJSON ", " JSON, JSON},
        {NDJSON ", */*", JSON},
        {EVENTS ", " NDJSON, NDJSON},
        {NDJSON ", " JSON ";q=0.999", NDJSON},
        {NDJSON ";q=0.5, " EVENTS ";q=0.501", EVENTS},
        {JSON ";q=0.1, " NDJSON ";q=0.01, " EVENTS ";q=0.001", JSON},
        {NDJSON ", */*;q=0.1", NDJSON},
        {"application/jsonl;q=0.7, application/ndjson;q=0.6", "application/jsonl"},
        {EVENTS ";q=0.001", EVENTS},
    };
    check(rows, sizeof rows / sizeof *rows);
}

Test(accept, a_more_specific_range_overrules_a_wider_one)
{
    static const struct row rows[] = {
        {"*/*, " JSON ";q=0.5", NDJSON},
        {JSON ";q=0.5, */*", NDJSON},
        {"application/*;q=0.2, */*;q=0.9", EVENTS},
        {"*/*;q=0.9, application/*;q=0.2, " NDJSON ";q=0.95", NDJSON},
        {"text/*", EVENTS},
        {"application/*", JSON},
        {"text/*;q=0.5, application/*;q=0.4", EVENTS},
        {"image/*, text/*;q=0.1", EVENTS},
    };
    check(rows, sizeof rows / sizeof *rows);
}

Test(accept, a_quality_of_nothing_excludes_a_form)
{
    static const struct row rows[] = {
        {JSON ";q=0, */*;q=0.1", NDJSON},
        {"application/*;q=0, */*", EVENTS},
        {EVENTS ";q=0, text/*", JSON},
        {EVENTS ";q=0.000, " NDJSON ";q=0.001", NDJSON},
    };
    check(rows, sizeof rows / sizeof *rows);
}

Test(accept, where_nothing_is_acceptable_it_is_json)
{
    static const struct row rows[] = {
        {"", JSON},
        {",", JSON},
        {"text/html", JSON},
        {"*/*;q=0", JSON},
        {JSON ";q=0", JSON},
        {"application/problem+json", JSON},
        {"application/x-ndjsonx", JSON},
        {"application/x-ndjso", JSON},
        {"xtext/event-stream", JSON},
    };
    check(rows, sizeof rows / sizeof *rows);
}

Test(accept, of_two_that_say_the_same_the_better_quality_counts)
{
    check((struct row[]){{EVENTS ";q=0.1, " EVENTS ";q=0.9, " NDJSON ";q=0.5", EVENTS},
                         {EVENTS ";q=0.9, " EVENTS ";q=0.1, " NDJSON ";q=0.5", EVENTS}},
          2);
}

Test(accept, case_white_space_and_empty_elements_do_not_matter)
{
    static const struct row rows[] = {
        {"TEXT/Event-Stream", EVENTS},
        {"Application/*;Q=0.1, text/EVENT-stream", EVENTS},
        {" \t text/event-stream \t ", EVENTS},
        {", ,text/event-stream,, ,", EVENTS},
        {"text/html , text/event-stream ; q=0.5 , text/css", EVENTS},
        {"text/event-stream;", EVENTS},
        {"text/event-stream;;q=0.5; ;", EVENTS},
    };
    check(rows, sizeof rows / sizeof *rows);
}

Test(accept, parameters_narrow_a_range_except_the_charset_we_have)
{
    static const struct row rows[] = {
        {EVENTS ";charset=utf-8", EVENTS},
        {EVENTS "; charset=\"UTF-8\"; q=1", EVENTS},
        {EVENTS ";charset=latin1", JSON},
        {EVENTS ";version=2, " NDJSON ";q=0.1", NDJSON},
        {EVENTS ";title=\"a, b; q=0 \\\" c\", " NDJSON ";q=0.1", NDJSON},
        {EVENTS ";q=0.5;level=1", JSON},
        {EVENTS ";empty=\"\"", JSON},
        {JSON ";odata=verbose", JSON},
    };
    check(rows, sizeof rows / sizeof *rows);
}

Test(accept, a_malformed_header_counts_as_none)
{
    static const char *const values[] = {
        EVENTS ", x",         EVENTS ", x/",      EVENTS ", /x",      EVENTS ", */x",
        EVENTS ", text/*x y", EVENTS ", a/b c/d", EVENTS ";q",        EVENTS ";q=",
        EVENTS ";q=2",        EVENTS ";q=1.001",  EVENTS ";q=0.1234", EVENTS ";q=0,5",
        EVENTS ";q=.5",       EVENTS ";q=0.x",    EVENTS ";q=01",     EVENTS ";q=-1",
        EVENTS ";q= 1",       EVENTS ";q =1",     EVENTS ";a=\"",     EVENTS ";a=\"b",
        EVENTS ";a=\"b\\\"",  EVENTS ";a=\"b\\",  EVENTS ";a=\"b\"c", EVENTS ";a=b=c",
        EVENTS ";=b",         EVENTS "\xc3\xa4",  "\"" EVENTS "\"",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cr_expect_eq(choose(values[i]).form, REPLY_JSON, "%s", values[i]);
}

Test(accept, a_nul_byte_is_no_part_of_a_token)
{
    struct accept accept = {.is_there = false};
    accept_add(&accept, slice_make(EVENTS "\0", sizeof EVENTS));
    cr_expect_eq(accept_choose(&accept).form, REPLY_JSON);
}

Test(accept, several_lines_are_one_list)
{
    struct accept accept = {.is_there = false};
    accept_add(&accept, slice_from(JSON ";q=0.5"));
    accept_add(&accept, slice_from(EVENTS));
    cr_expect_eq(accept_choose(&accept).form, REPLY_EVENTS);
    accept_add(&accept, slice_from("?"));
    cr_expect_eq(accept_choose(&accept).form, REPLY_JSON);
}
