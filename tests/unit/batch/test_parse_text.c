/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that are no JSON, or too deep: where, and in which words. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

struct syntax_case {
    const char *text;
    size_t len; /* 0: strlen */
    const char *part;
};

static const struct syntax_case not_json[] = {
    {"", 0, "line 1, column 1"},
    {" \n\t ", 0, "there is nothing"},
    {"{", 0, "line 1, column"},
    {"[", 0, "end of text"},
    {"[\"a\",]", 0, "line 1, column 6"},
    {"nope", 0, "line 1"},
    {"[\"a\"", 0, "end of text"},
    {"[\"a\"] x", 0, "end of text expected near 'x'"},
    {"[\"a\"][\"b\"]", 0, "line 1"},
    {"[NaN]", 0, "line 1"},
    {"[Infinity]", 0, "line 1"},
    {"// c\n[]", 0, "line 1"},
    {"[\"a\"]//", 0, "line 1"},
    {"'a'", 0, "line 1"},
    {"[\"a\nb\"]", 0, "line"},
    {"[\"\\ud800\"]", 0, "line 1"},
    {"[\"\xff\"]", 0, "line 1"},
    {"[\"\xc0\xaf\"]", 0, "line 1"},
    {"[\"\xed\xa0\x80\"]", 0, "line 1"},
    {"[01]", 0, "line 1"},
    {"[+1]", 0, "line 1"},
    {"[.5]", 0, "line 1"},
    {"[1e]", 0, "line 1"},
    {"[0x1]", 0, "line 1"},
    {"\0", 1, "line 1"},
    {"[\"a\"]\0", 6, "line 1, column 6"},
    {"[\"a\0b\"]", 7, "line 1, column 4: not JSON: a NUL byte"},
    {"{\"urls\":[\"u\"],\n\"deadlineMs\":5\0}", 30,
     "line 2, column 15: not JSON: a NUL byte"},
    {"[\"a\\u0000b\"]", 0, "line 1"},
    {"\xef\xbb\xbf[\"a\"]", 0, "byte order mark"},
    {"{\"a\":1,}", 0, "line 1"},
    {"{a:1}", 0, "line 1"},
    {"\xff\xfe[\0]\0", 6, "line 1"},
    {"1", 0, "line 1"},
    {"\"http://a/\"", 0, "line 1"},
    {"null", 0, "line 1"},
    {"true", 0, "line 1"},
    {"{\n  \"urls\": [\"a\",\n  oops]\n}", 0, "line 3, column 3"},
    {"[\"\xc3\xbc\xc3\xbc\" oops]", 0, "line 1, column 7"},
    {"{\"urls\": [], \"urls\": []}", 0, "duplicate"},
    {"[{\"url\": \"a\", \"url\": \"b\"}]", 0, "duplicate"},
    {"[{\"url\": \"a\", \"headers\": {\"a\": \"1\", \"a\": \"2\"}}]", 0, "duplicate"},
    {"[{\"url\": \"a\", \"body\": 1, \"body\": 2}]", 0, "duplicate"},
    {"[{\"url\": \"a\", \"body\": 1, \"\\u0062ody\": {}}]", 0, "duplicate"},
    {"[{\"url\": \"a\", \"body\": {\"x\": tru}}]", 0, "line 1"},
    {"[{\"url\": \"a\", \"body\": [1 2]}]", 0, "line 1"},
    {"[{\"url\": \"a\", \"body\": }]", 0, "line 1"},
    {"[{\"url\": \"a\", \"body\": 1 2}]", 0, "line 1"},
    {"[{\"url\": \"a\", \"method\": \"PUT\", \"body\": \"x\"e2}]", 0, "line 1, column"},
    {"[{\"url\": \"a\", \"method\": \"PUT\", \"body\": {}.5}]", 0, "line 1, column"},
    {"[{\"url\": \"a\", \"method\": \"PUT\", \"body\": 5\"x\"}]", 0, "line 1, column"},
    {"[{\"url\": \"a\", \"method\": \"PUT\", \"body\": true5}]", 0, "line 1, column"},
    {"[{\"url\": \"a\", \"body\"", 0, "end of text"},
    {"[{\"url\": \"a\", \"body\":", 0, "end of text"},
    {"[{\"url\": \"a\", \"body\": {\"x\": \"\xff\"}}]", 0, "line 1"},
    {"[{\"url\": \"a\", \"body\": \"\xff\"}]", 0, "line 1"},
    {"[{\"url\": \"a\", \"body\": \"open", 0, "line 1"},
    {"[{\"url\": \"a\", \"body\": {\n\n\"x\":\n1}} oops]", 0, "line 4"},
};

Test(parse_text, what_is_not_json_is_refused_with_line_and_column)
{
    for (size_t i = 0; i < sizeof not_json / sizeof *not_json; i++) {
        const struct syntax_case *row = &not_json[i];
        struct parse_errors errors;
        struct batch *batch = fixture_parse_bytes(
            row->text, row->len ? row->len : strlen(row->text), &errors);
        cr_expect_null(batch, "taken: %s", row->text);
        cr_expect_eq(errors.total, 1, "%zu errors: %s", errors.total, row->text);
        cr_expect_eq(errors.refusal, PARSE_INVALID);
        if (errors.count == 1 && strstr(errors.list[0].detail, row->part) == NULL)
            cr_expect_fail("row %zu (%s): %s", i, row->text, errors.list[0].detail);
        if (errors.count == 1)
            cr_expect_str_eq(errors.list[0].pointer, "");
        parse_errors_done(&errors);
        batch_free(batch);
    }
}

Test(parse_text, a_character_cut_in_two_by_the_library_does_not_reach_the_answer)
{
    struct parse_errors errors;
    cr_assert_null(fixture_parse("[{\"\\u006\xef\xbb\xbfx\": true}]", &errors));
    cr_assert_eq(errors.count, 1);
    cr_expect(utf8_is_valid(slice_from(errors.list[0].detail)), "%s",
              errors.list[0].detail);
    parse_errors_done(&errors);
}

Test(parse_text, every_prefix_of_a_batch_is_refused)
{
    static const char text[] =
        "{\"requests\": [\"http://a/\", {\"url\": \"b\", \"method\": \"POST\", \"body\": "
        "{\"q\": "
        "[1, 2.5e3, \"\\u00fc\", null]}, \"headers\": {\"a\": [\"1\", \"2\"]}}], "
        "\"defaults\": "
        "{\"body\": 123456789012345678901234567890, \"bodyEncoding\": \"json\"}, "
        "\"deadlineMs\": 1000}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        struct parse_errors errors;
        struct batch *batch = fixture_parse_bytes(text, len, &errors);
        cr_expect_null(batch, "%.*s", (int)len, text);
        cr_expect_eq(errors.total, 1);
        parse_errors_done(&errors);
    }
}

Test(parse_text, depth_bombs_are_refused_early)
{
    static const char *const openings[] = {
        "[", "{\"a\":", "[{\"a\":", "{\"defaults\":{\"x\":["};
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        for (int depth = 40; depth <= 400000; depth *= 100) {
            struct buffer text;
            buffer_init(&text, 64 << 20);
            for (int d = 0; d < depth; d++)
                buffer_append_text(&text, openings[i]);
            struct parse_errors errors;
            cr_expect_null(fixture_parse_bytes(text.data, text.len, &errors));
            cr_expect(fixture_has_error(&errors, "", "nested too deep"), "%s",
                      openings[i]);
            parse_errors_done(&errors);
            buffer_done(&text);
        }
    }
}

Test(parse_text, a_body_may_nest_512_levels_and_no_more)
{
    static const int depths[] = {31, 33, 511, 512, 513, 1000, 100000};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        struct buffer text;
        buffer_init(&text, 1 << 20);
        buffer_append_text(&text, "[{\"url\":\"u\",\"method\":\"POST\",\n\"body\":");
        for (int d = 0; d < depths[i]; d++)
            buffer_append_byte(&text, '[');
        for (int d = 0; d < depths[i]; d++)
            buffer_append_byte(&text, ']');
        buffer_append_text(&text, "}]");
        struct parse_errors errors;
        struct batch *batch = fixture_parse_bytes(text.data, text.len, &errors);
        cr_expect_eq(batch != NULL, depths[i] <= 512, "%d levels", depths[i]);
        if (batch)
            cr_expect_eq(batch->items[0].body.len, 2 * (size_t)depths[i]);
        else
            cr_expect_eq(errors.total, 1);
        if (depths[i] == 513)
            cr_expect(
                fixture_has_error(&errors, "", "line 2, column 8: nested too deep"));
        parse_errors_done(&errors);
        batch_free(batch);
        buffer_done(&text);
    }
}
