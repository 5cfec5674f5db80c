/* SPDX-License-Identifier: Apache-2.0 */
/* Where bodies are found, and what is hidden. */
#include "batch/body_spans.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct hide_case {
    const char *text;
    const char *readable; /* NULL: the text itself */
};

static const struct hide_case hides[] = {
    {"[]", NULL},
    {"[\"u\", \"v\"]", NULL},
    {"[{\"url\": \"u\", \"body\": \"text\"}]", "[{\"url\": \"u\", \"body\": \"\"}]"},
    {"[{\"body\": {\"a\": 1}}]", "[{\"body\": \"\"}]"},
    {"[{\"body\":[]}]", "[{\"body\":\"\"}]"},
    {"[{\"body\":7}]", NULL},
    {"[{\"body\":\"\"}]", "[{\"body\":\"\"}]"},
    {"[{\"body\":null,\"x\":1}]", "[{\"body\":\"\",\"x\":1}]"},
    {"[{\"body\":{\n\"a\":\r\n1}\n}]", "[{\"body\":\"\"\n}]"},
    {"[{\"body\":1},{\"body\":[2]},{}]", "[{\"body\":1},{\"body\":\"\"},{}]"},
    {"[{\"\\u0062ody\":true}]", "[{\"\\u0062ody\":\"\"}]"},
    {"[{\"b\\u006Fdy\":true}]", "[{\"b\\u006Fdy\":\"\"}]"},
    {"[{\"bodY\":true}]", NULL},
    {"[{\"body2\":true}]", NULL},
    {"[{\"\\body\":true}]", NULL},
    {"[{\"headers\":{\"body\":{}}}]", NULL},
    {"[[{\"body\":{}}]]", "[[]]"},
    {"{\"body\":{\"a\":1}}", "{\"body\":{}}"},
    {"{\"urls\":[{\"body\":{}}]}", "{\"urls\":[{}]}"},
    {"{\"requests\":{\"body\":{}}}", "{\"requests\":{}}"},
    {"{\"requests\":[{\"body\":{}}]}", "{\"requests\":[{\"body\":\"\"}]}"},
    {"{\"defaults\":{\"body\":{}}}", "{\"defaults\":{\"body\":\"\"}}"},
    {"{\"defaults\":[{\"body\":{}}]}", "{\"defaults\":[]}"},
    {"{\"other\":[{\"body\":{}}]}", "{\"other\":[]}"},
    {"{\"other\":[1e5,[2],{\"x\":\"]\"}],\"b\":1e5}", "{\"other\":[],\"b\":0.0}"},
    {"[{\"headers\":{\"a\":[\"x\",[1],{\"y\":2}],\"b\":{}}}]",
     "[{\"headers\":{\"a\":[\"x\",[],{}],\"b\":{}}}]"},
    {"{\"defaults\":{\"headers\":{\"a\":[[1]]},\"url\":[1]}}",
     "{\"defaults\":{\"headers\":{\"a\":[[]]},\"url\":[]}}"},
    {"[{\"x\":[[1]", NULL},
    {"{\"x\":\"\\\"]}\",\"requests\":[{\"body\":{}}]}",
     "{\"x\":\"\\\"]}\",\"requests\":[{\"body\":\"\"}]}"},
    {"{\"x\":\"\\\\\",\"requests\":[{\"body\":{}}]}",
     "{\"x\":\"\\\\\",\"requests\":[{\"body\":\"\"}]}"},
    {"{\"a\":123456789012345678}", NULL},
    {"{\"a\":1234567890123456789}", "{\"a\":0.0}"},
    {"{\"a\":-234567890123456789}", "{\"a\":0.0}"},
    {"{\"include\":[1e400,1.5,\"1e5\",-1E-2,[7]]}",
     "{\"include\":[0.0,1.5,\"1e5\",0.0,[]]}"},
    {"{\"a\":01e400}", NULL},
    {"{\"a\":1e}", NULL},
    {"{\"a\":true}", NULL},
};

Test(body_spans, only_bodies_and_odd_numbers_are_hidden)
{
    for (size_t i = 0; i < sizeof hides / sizeof *hides; i++) {
        const char *expected = hides[i].readable ? hides[i].readable : hides[i].text;
        struct body_spans spans;
        body_spans_find(&spans, slice_from(hides[i].text), 100);
        cr_expect_eq(spans.fault, WALK_FINE);
        cr_expect_eq(spans.readable.data == hides[i].text, hides[i].readable == NULL,
                     "%s", hides[i].text);
        cr_expect(slice_is(spans.readable, expected), "%s: %.*s", hides[i].text,
                  (int)spans.readable.len, spans.readable.data);
        body_spans_done(&spans);
    }
}

static bool span_is(struct slice span, const char *expected)
{
    return span.data && slice_is(span, expected);
}

Test(body_spans, each_body_is_found_with_its_item)
{
    static const char text[] =
        "{\"requests\":[\"u\",{\"body\":\"s\"},{},{\"x\":[{}],\"body\": [1]},"
        "5,{\"body\":{\"body\":2}}],\"defaults\":{\"y\":1,\"body\":null}}";
    struct body_spans spans;
    body_spans_find(&spans, slice_from(text), 100);
    cr_assert_eq(spans.count, 3);
    size_t cursor = 0;
    cr_expect_null(body_spans_of(&spans, 0, SPAN_BODY, &cursor).data);
    cr_expect(span_is(body_spans_of(&spans, 1, SPAN_BODY, &cursor), "\"s\""));
    cr_expect_null(body_spans_of(&spans, 2, SPAN_BODY, &cursor).data);
    cr_expect(span_is(body_spans_of(&spans, 3, SPAN_BODY, &cursor), "[1]"));
    cr_expect_null(body_spans_of(&spans, 4, SPAN_BODY, &cursor).data);
    cr_expect(span_is(body_spans_of(&spans, 5, SPAN_BODY, &cursor), "{\"body\":2}"));
    cr_expect_null(body_spans_of(&spans, 6, SPAN_BODY, &cursor).data);
    cr_expect(span_is(spans.defaults[SPAN_BODY], "null"));
    body_spans_done(&spans);
}

Test(body_spans, bodies_of_fallbacks_and_the_shared_one_are_found_too)
{
    static const char text[] =
        "{\"sharedBody\":{\"s\":1e99},\"requests\":[{\"fallback\":{\"body\":1e99}},"
        "{\"fallback\":{\"status\":200,\"body\":[2]},\"body\":\"b\"},{\"fallback\":[3]}],"
        "\"defaults\":{\"fallback\":{\"headers\":{\"a\":[\"b\"]},\"body\":\"d\"}}}";
    struct body_spans spans;
    body_spans_find(&spans, slice_from(text), 100);
    cr_assert_eq(spans.count, 3);
    size_t cursor = 0;
    cr_expect_null(body_spans_of(&spans, 0, SPAN_BODY, &cursor).data);
    cr_expect(span_is(body_spans_of(&spans, 0, SPAN_FALLBACK_BODY, &cursor), "1e99"));
    cr_expect(span_is(body_spans_of(&spans, 1, SPAN_BODY, &cursor), "\"b\""));
    cr_expect(span_is(body_spans_of(&spans, 1, SPAN_FALLBACK_BODY, &cursor), "[2]"));
    cr_expect_null(body_spans_of(&spans, 2, SPAN_FALLBACK_BODY, &cursor).data);
    cr_expect(span_is(spans.shared, "{\"s\":1e99}"));
    cr_expect(span_is(spans.defaults[SPAN_FALLBACK_BODY], "\"d\""));
    cr_expect_null(spans.defaults[SPAN_BODY].data);
    cr_expect(
        slice_is(spans.readable,
                 "{\"sharedBody\":\"\",\"requests\":[{\"fallback\":{\"body\":\"\"}},"
                 "{\"fallback\":{\"status\":200,\"body\":\"\"},\"body\":\"\"},"
                 "{\"fallback\":[]}],"
                 "\"defaults\":{\"fallback\":{\"headers\":{\"a\":[\"b\"]},"
                 "\"body\":\"\"}}}"),
        "%.*s", (int)spans.readable.len, spans.readable.data);
    body_spans_done(&spans);
}

Test(body_spans, items_are_counted_where_requests_stand)
{
    static const struct {
        const char *text;
        bool is_fine;
    } rows[] = {
        {"[1,2,3]", true},
        {"[1,2,3,4]", false},
        {"{\"urls\":[1,2,3,4]}", false},
        {"{\"requests\":[{},{},{},{}", false},
        {"{\"x\":[1,2,3,4]}", true},
        {"[[1,2,3,4]]", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct body_spans spans;
        body_spans_find(&spans, slice_from(rows[i].text), 3);
        cr_expect_eq(spans.fault, rows[i].is_fine ? WALK_FINE : WALK_TOO_MANY, "%s",
                     rows[i].text);
        body_spans_done(&spans);
    }
}

Test(body_spans, depth_outside_bodies_is_bounded_exactly)
{
    for (int depth = 31; depth <= 33; depth++) {
        char text[80] = "";
        for (int i = 0; i < depth; i++)
            strcat(text, "[");
        for (int i = 0; i < depth; i++)
            strcat(text, "]");
        struct body_spans spans;
        body_spans_find(&spans, slice_from(text), 100);
        cr_expect_eq(spans.fault, depth <= 32 ? WALK_FINE : WALK_TOO_DEEP);
        if (depth == 33)
            cr_expect_eq(spans.fault_at, 32);
        body_spans_done(&spans);
    }
}

Test(body_spans, a_body_that_is_no_json_is_remembered)
{
    static const char text[] = "[{\"body\": [1,]}]";
    struct body_spans spans;
    body_spans_find(&spans, slice_from(text), 100);
    cr_expect_eq(spans.broken.data, text + 10);
    cr_expect_eq(spans.readable.data, text);
    body_spans_done(&spans);
}

static enum walk_fault fault_of(const char *before, const char *part, int count)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_text(&text, before);
    for (int i = 0; i < count; i++)
        buffer_append_text(&text, part);
    struct body_spans spans;
    body_spans_find(&spans, buffer_slice(&text), 100);
    enum walk_fault fault = spans.fault;
    body_spans_done(&spans);
    buffer_done(&text);
    return fault;
}

Test(body_spans, what_the_library_would_have_to_build_is_bounded)
{
    cr_expect_eq(fault_of("{", "\"a\":1,", 63), WALK_FINE);
    cr_expect_eq(fault_of("{", "\"a\":1,", 65), WALK_TOO_LONG);
    cr_expect_eq(fault_of("[{", "\"a\":1,", 65), WALK_TOO_LONG);
    cr_expect_eq(fault_of("{\"defaults\":{", "\"a\":1,", 65), WALK_TOO_LONG);
    cr_expect_eq(fault_of("[{\"headers\":{", "\"a\":\"b\",", 500), WALK_FINE);
    cr_expect_eq(fault_of("[{\"headers\":{", "\"a\":\"b\",", 501), WALK_TOO_LONG);
    cr_expect_eq(fault_of("{\"include\":[", "1,", 1000), WALK_FINE);
    cr_expect_eq(fault_of("{\"include\":[", "1,", 1001), WALK_TOO_LONG);
    cr_expect_eq(fault_of("{\"x\":[", "{},1,", 10000), WALK_FINE, "it is hidden");
}

/* A cheap generator: the same every run. */
static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16;
}

Test(body_spans, no_bytes_make_it_read_outside_or_lose_its_place)
{
    static const char *const parts[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        ":",
                                        "\"body\"",
                                        "\"requests\"",
                                        "\"defaults\"",
                                        "1",
                                        "1e9",
                                        "\"",
                                        "\\",
                                        "\n",
                                        "null",
                                        "x",
                                        "\"urls\"",
                                        "12345678901234567890",
                                        "\xff",
                                        "{\"requests\":["};
    unsigned state = 1;
    for (int round = 0; round < 50000; round++) {
        char text[256] = "";
        unsigned count = next_random(&state) % 14;
        for (unsigned i = 0; i < count; i++)
            strcat(text, parts[next_random(&state) % (sizeof parts / sizeof *parts)]);
        size_t len = strlen(text);
        char *exact = malloc(len ? len : 1);
        memcpy(exact, text, len);
        struct body_spans spans;
        body_spans_find(&spans, slice_make(exact, len), 5);
        cr_assert(spans.readable.len <= len, "%s", text);
        cr_assert_eq(shortened_original(&spans.shortened, spans.readable.len), len, "%s",
                     text);
        body_spans_done(&spans);
        free(exact);
    }
}
