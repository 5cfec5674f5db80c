/* SPDX-License-Identifier: Apache-2.0 */
/* Header names and values by RFC 9110, names that are the gateway's, the merge. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

static struct batch *parse(const char *text)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_quoted(text, &errors);
    fixture_print_errors(&errors);
    cr_assert_not_null(batch, "%s", text);
    return batch;
}

/* The item's header lines as "name: value|name: value|". */
static const char *lines_of(const struct item *item)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < item->header_count; i++) {
        const struct call_header *line = &item->headers[i];
        cr_assert_eq(line->name.data[line->name.len], '\0');
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s: %.*s|",
                                (int)line->name.len, line->name.data,
                                (int)line->value.len, line->value.data);
    }
    return text;
}

static void check_lines(const char *document, const char *expected)
{
    struct batch *batch = parse(document);
    cr_expect_str_eq(lines_of(&batch->items[0]), expected, "%s gives %s", document,
                     lines_of(&batch->items[0]));
    batch_free(batch);
}

Test(parse_headers, strings_and_arrays_become_lines_in_order)
{
    check_lines(
        "[{'url': 'u', 'headers': {'X-One': '1', 'x-list': ['a', 'b', 'c'], 'Z': ''}}]",
        "X-One: 1|x-list: a|x-list: b|x-list: c|Z: |");
}

Test(parse_headers, no_headers_and_an_empty_array_give_no_lines)
{
    check_lines("[{'url': 'u', 'headers': {}}]", "");
    check_lines("[{'url': 'u', 'headers': {'a': []}}]", "");
}

Test(parse_headers, odd_but_right_names_and_values_are_taken)
{
    check_lines("[{'url': 'u', 'headers': {'!#$%&*+-.^_`|~09azAZ': 'tab\\tin it', 'u': "
                "'\xc3\xbc'}}]",
                "!#$%&*+-.^_`|~09azAZ: tab\tin it|u: \xc3\xbc|");
}

Test(parse_headers, the_defaults_merge_by_name_whatever_the_case)
{
    check_lines(
        "{'requests': [{'url': 'u', 'headers': {'X-TEAM': 'mine', 'x-own': '1'}}],"
        " 'defaults': {'headers': {'x-team': 'theirs', 'x-more': ['a', 'b']}}}",
        "x-more: a|x-more: b|X-TEAM: mine|x-own: 1|");
    check_lines("{'requests': ['u'], 'defaults': {'headers': {'x-team': 'theirs'}}}",
                "x-team: theirs|");
    check_lines("{'requests': [{'url': 'u', 'headers': {}}],"
                " 'defaults': {'headers': {'x-team': 'theirs'}}}",
                "x-team: theirs|");
}

Test(parse_headers, an_empty_array_takes_a_default_away)
{
    check_lines("{'requests': [{'url': 'u', 'headers': {'X-Team': []}}],"
                " 'defaults': {'headers': {'x-team': 'theirs', 'x-b': 'c'}}}",
                "x-b: c|");
}

Test(parse_headers, a_json_body_brings_its_content_type)
{
    check_lines("[{'url': 'u', 'method': 'POST', 'body': {}}]",
                "content-type: application/json|");
    check_lines("[{'url': 'u', 'method': 'POST', 'body': {}, 'headers': {'a': 'b'}}]",
                "a: b|content-type: application/json|");
    check_lines("{'requests': [{'url': 'u', 'method': 'POST', 'body': 1}],"
                " 'defaults': {'headers': {'a': 'b'}}}",
                "a: b|content-type: application/json|");
    check_lines("[{'url': 'u', 'method': 'POST', 'body': 'x', 'bodyEncoding': 'json'}]",
                "content-type: application/json|");
}

Test(parse_headers, a_text_or_binary_body_brings_none)
{
    check_lines("[{'url': 'u', 'method': 'POST', 'body': 'x'}]", "");
    check_lines(
        "[{'url': 'u', 'method': 'POST', 'body': 'eA==', 'bodyEncoding': 'base64'}]", "");
}

Test(parse_headers, the_callers_content_type_stands)
{
    check_lines("[{'url': 'u', 'method': 'POST', 'body': {}, 'headers': {'Content-Type': "
                "'a/b'}}]",
                "Content-Type: a/b|");
    check_lines(
        "[{'url': 'u', 'method': 'POST', 'body': {}, 'headers': {'content-type': []}}]",
        "");
    check_lines("{'requests': [{'url': 'u', 'method': 'POST', 'body': 1}],"
                " 'defaults': {'headers': {'CONTENT-TYPE': 'a/b'}}}",
                "CONTENT-TYPE: a/b|");
    check_lines(
        "{'requests': [{'url': 'u', 'method': 'POST', 'body': 1, 'headers': {'a': 'b'}}],"
        " 'defaults': {'headers': {'content-type': 'a/b'}}}",
        "content-type: a/b|a: b|");
}

Test(parse_headers, items_that_share_the_defaults_do_not_share_the_content_type)
{
    struct batch *batch =
        parse("{'requests': [{'url': 'u', 'body': {}}, {'url': 'u', 'body': 'x'}, 'u'],"
              " 'defaults': {'method': 'POST', 'body': 'y', 'headers': {'a': 'b'}}}");
    cr_expect_str_eq(lines_of(&batch->items[0]), "a: b|content-type: application/json|");
    cr_expect_str_eq(lines_of(&batch->items[1]), "a: b|");
    cr_expect_str_eq(lines_of(&batch->items[2]), "a: b|");
    batch_free(batch);
}

/* For a caller whose rule allows a Host of its own. */
static struct batch *parse_with_host(const char *document, struct parse_errors *errors)
{
    struct config config = fixture_config();
    const struct parse_setup setup = {.config = &config, .may_set_host = true};
    char text[300];
    snprintf(text, sizeof text, "%s", document);
    for (char *at = text; *at; at++) {
        if (*at == '\'')
            *at = '"';
    }
    return parse_batch(slice_from(text), &setup, errors);
}

/* S14: only where a rule allows it. */
Test(parse_headers, a_host_is_taken_where_the_caller_may_set_it)
{
    static const char *const hosts[] = {
        "a.example", "A.example:8443", "[::1]:80",     "192.0.2.1",
        "a_b",       "xn--a-.example", "[2001:db8::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char document[200];
        struct parse_errors errors;
        snprintf(document, sizeof document, "[{'url': 'u', 'headers': {'Host': '%s'}}]",
                 hosts[i]);
        struct batch *batch = parse_with_host(document, &errors);
        cr_assert_not_null(batch, "%s", hosts[i]);
        cr_expect_eq(batch->items[0].header_count, 1);
        batch_free(batch);
    }
}

/* S14: one host, of the characters of one. */
Test(parse_headers, what_is_no_host_is_refused_even_there)
{
    static const char *const hosts[] = {"''",
                                        "' a'",
                                        "'a b'",
                                        "'a,b'",
                                        "'a/b'",
                                        "'a@b'",
                                        "'a?'",
                                        "'a#'",
                                        "'a\\\\b'",
                                        "'a\\tb'",
                                        "'\xc3\xa9.example'",
                                        "['a', 'b']",
                                        "[]",
                                        "1",
                                        "'a\\r\\nb'"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char document[200];
        struct parse_errors errors;
        snprintf(document, sizeof document, "[{'url': 'u', 'headers': {'Host': %s}}]",
                 hosts[i]);
        cr_expect_null(parse_with_host(document, &errors), "%s", hosts[i]);
        cr_expect(fixture_has_error(&errors, "/0/headers/Host", "must be"), "%s",
                  hosts[i]);
        parse_errors_done(&errors);
    }
    struct parse_errors errors;
    cr_expect_null(parse_with_host(
        "[{'url': 'u', 'headers': {'Host': 'a', 'host': 'b'}}]", &errors));
    cr_expect(fixture_has_error(&errors, "/0/headers/host", "given twice"));
    parse_errors_done(&errors);
}

struct header_case {
    const char *headers;
    const char *pointer;
    const char *part;
};

static const struct header_case wrong[] = {
    {"[]", "", "must be an object"},
    {"'a: b'", "", "must be an object"},
    {"null", "", "must be an object"},
    {"{'a': 1}", "/a", "must be a string or an array"},
    {"{'a': null}", "/a", "must be a string or an array"},
    {"{'a': {}}", "/a", "must be a string or an array"},
    {"{'a': ['x', 1]}", "/a", "must be a string or an array"},
    {"{'a': [['x']]}", "/a", "must be a string or an array"},
    {"{'a b': 'x'}", "/a b", "is not a header name"},
    {"{'': 'x'}", "/", "is not a header name"},
    {"{'a:b': 'x'}", "/a:b", "is not a header name"},
    {"{':a': 'x'}", "/:a", "is not a header name"},
    {"{'a/b': 'x'}", "/a~1b", "is not a header name"},
    {"{'~@': 'x'}", "/~0@", "is not a header name"},
    {"{'\xc3\xa9': 'x'}", "/\xc3\xa9", "is not a header name"},
    {"{'a\\r\\nb': 'x'}", "/a\r\nb", "is not a header name"},
    {"{'a\\u007f': 'x'}", "/a\x7f", "is not a header name"},
    {"{'a': 'x\\r\\nevil: 1'}", "/a", "control characters"},
    {"{'a': 'x\\ny'}", "/a", "control characters"},
    {"{'a': 'x\\ry'}", "/a", "control characters"},
    {"{'a': 'x\\u007f'}", "/a", "control characters"},
    {"{'a': '\\u001b'}", "/a", "control characters"},
    {"{'a': ['fine', 'x\\ny']}", "/a", "control characters"},
    {"{'a': ' x'}", "/a", "white space"},
    {"{'a': 'x '}", "/a", "white space"},
    {"{'a': '\\tx'}", "/a", "white space"},
    {"{'a': ' '}", "/a", "white space"},
    {"{'Accept': 'x', 'accept': 'y'}", "/accept", "given twice"},
    {"{'Host': 'x'}", "/Host", "the host comes from the url"},
    {"{'Content-Length': '5'}", "/Content-Length", "may not be set"},
    {"{'transfer-encoding': 'chunked'}", "/transfer-encoding", "may not be set"},
    {"{'CONNECTION': 'close'}", "/CONNECTION", "may not be set"},
    {"{'upgrade': 'x'}", "/upgrade", "may not be set"},
    {"{'trailer': 'x'}", "/trailer", "may not be set"},
    {"{'te': 'x'}", "/te", "may not be set"},
    {"{'expect': '100-continue'}", "/expect", "may not be set"},
    {"{'keep-alive': 'x'}", "/keep-alive", "may not be set"},
    {"{'proxy-connection': 'x'}", "/proxy-connection", "may not be set"},
    {"{'Proxy-Authorization': 'x'}", "/Proxy-Authorization", "may not be set"},
    {"{'HTTP2-Settings': 'x'}", "/HTTP2-Settings", "may not be set"},
    {"{'proxy-authenticate': 'x'}", "/proxy-authenticate", "may not be set"},
    {"{'proxy-status': 'x'}", "/proxy-status", "may not be set"},
    {"{'HOST': 'x'}", "/HOST", "the host comes from the url"},
    {"{'host': []}", "/host", "the host comes from the url"},
    {"{'Proxy-Authorization': []}", "/Proxy-Authorization", "may not be set"},
};

static void check_refused(const char *text, const char *pointer, const char *part)
{
    struct parse_errors errors;
    cr_expect_null(fixture_parse_quoted(text, &errors), "taken: %s", text);
    if (!fixture_has_error(&errors, pointer, part)) {
        fixture_print_errors(&errors);
        cr_expect_fail("%s: no \"%s\" at %s", text, part, pointer);
    }
    parse_errors_done(&errors);
}

/* S14, S15: with the pointer to the field. */
Test(parse_headers, what_is_no_header_is_refused_in_items_and_defaults)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[300];
        char pointer[100];
        snprintf(text, sizeof text, "[{'url': 'u', 'headers': %s}]", wrong[i].headers);
        snprintf(pointer, sizeof pointer, "/0/headers%s", wrong[i].pointer);
        check_refused(text, pointer, wrong[i].part);
        snprintf(text, sizeof text, "{'urls': ['u'], 'defaults': {'headers': %s}}",
                 wrong[i].headers);
        snprintf(pointer, sizeof pointer, "/defaults/headers%s", wrong[i].pointer);
        check_refused(text, pointer, wrong[i].part);
    }
}

/* A document whose item has `own` header lines and whose defaults have `common`. */
static struct batch *parse_counts(int own, int common, struct parse_errors *errors)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, "{\"requests\": [{\"url\": \"u\", \"headers\": {\"o\": [");
    for (int i = 0; i < own; i++)
        buffer_append_text(&text, i ? ",\"1\"" : "\"1\"");
    buffer_append_text(&text, "]}}], \"defaults\": {\"headers\": {");
    for (int i = 0; i < common; i++)
        buffer_append_format(&text, "%s\"d%d\": \"1\"", i ? "," : "", i);
    buffer_append_text(&text, "}}}");
    struct batch *batch = fixture_parse_bytes(text.data, text.len, errors);
    buffer_done(&text);
    return batch;
}

Test(parse_headers, an_item_has_at_most_100_lines_with_the_defaults)
{
    static const struct {
        int own, common;
        bool is_fine;
    } rows[] = {{100, 0, true},  {101, 0, false}, {0, 100, true},
                {0, 101, false}, {50, 50, true},  {50, 51, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct parse_errors errors;
        struct batch *batch = parse_counts(rows[i].own, rows[i].common, &errors);
        cr_expect_eq(batch != NULL, rows[i].is_fine, "%d + %d", rows[i].own,
                     rows[i].common);
        if (!batch)
            cr_expect(strstr(errors.list[0].detail, "at most 100 header lines") != NULL);
        parse_errors_done(&errors);
        batch_free(batch);
    }
}

Test(parse_headers, an_items_headers_have_a_size_limit)
{
    for (int size = 30000; size <= 40000; size += 10000) {
        struct buffer text;
        buffer_init(&text, 1 << 20);
        buffer_append_text(&text, "[{\"url\": \"u\", \"headers\": {\"a\": \"");
        for (int i = 0; i < size; i++)
            buffer_append_byte(&text, 'x');
        buffer_append_text(&text, "\"}}]");
        struct parse_errors errors;
        struct batch *batch = fixture_parse_bytes(text.data, text.len, &errors);
        cr_expect_eq(batch != NULL, size == 30000);
        if (!batch)
            cr_expect(fixture_has_error(&errors, "/0/headers", "at most 32768 bytes"));
        parse_errors_done(&errors);
        batch_free(batch);
        buffer_done(&text);
    }
}
