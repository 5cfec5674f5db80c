/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: which bytes are sent for which value under which encoding. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

static struct batch *parse(const char *text)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse(text, &errors);
    fixture_print_errors(&errors);
    cr_assert_not_null(batch, "%s", text);
    return batch;
}

/* JSON values that must arrive byte for byte. */
static const char *const raw_values[] = {
    "0",
    "-0",
    "42",
    "-1.50",
    "1e400",
    "1E+2",
    "123456789012345678901234567890",
    "0.10000000000000000000000000000001",
    "true",
    "false",
    "null",
    "[]",
    "{}",
    "[1,  2 ,\t3]",
    "{\"q\": 1, \"q\": 2}",
    "{\"z\":123456789012345678901234567890,\"a\":[true,null,\"x\"]}",
    "{\n  \"a\": \"\\u0000\",\r\n  \"b\": \"\\ud83d\\ude00\"\n}",
    "{\"body\": {\"body\": [\"}\", \"]\", \"\\\"\", \"\\\\\"]}}",
    "\"\xc3\xbc\"",
    "[\"\xf0\x9f\x98\x80\", \"\x7f\"]",
};

static void check_body(const char *before, const char *value, const char *after)
{
    struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_append_text(&text, before);
    buffer_append_text(&text, value);
    buffer_append_text(&text, after);
    struct batch *batch = parse(buffer_text(&text));
    const struct item *item = &batch->items[batch->count - 1];
    cr_expect(item->has_body);
    cr_expect(fixture_is(item->body, value), "%s: %.*s", text.data, (int)item->body.len,
              item->body.data);
    batch_free(batch);
    buffer_done(&text);
}

Test(parse_body, json_values_are_sent_byte_for_byte_wherever_they_stand)
{
    static const char *const places[][2] = {
        {"[{\"url\":\"u\",\"method\":\"POST\",\"bodyEncoding\":\"json\",\"body\":", "}]"},
        {"[{\"body\" :\n\t ",
         " ,\"url\":\"u\",\"bodyEncoding\":\"json\",\"method\":\"POST\"}]"},
        {"{\"requests\":[\"v\",{\"url\":\"u\",\"method\":\"PUT\"},{\"bodyEncoding\":"
         "\"json\","
         "\"url\":\"u\",\"method\":\"PUT\",\"\\u0062\\u006Fdy\":",
         "}], \"deadlineMs\": 5}"},
        {"{\"requests\":[{\"url\":\"u\",\"method\":\"PUT\"}], \"defaults\": "
         "{\"bodyEncoding\":"
         "\"json\",\"body\":",
         "}}"},
        {"{\"defaults\": {\"method\":\"POST\",\"bodyEncoding\":\"json\",\"body\":",
         "},\"urls\":[\"u\"]}"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (size_t j = 0; j < sizeof raw_values / sizeof *raw_values; j++)
            check_body(places[i][0], raw_values[j], places[i][1]);
    }
}

Test(parse_body, each_item_gets_its_own_body)
{
    struct batch *batch = parse(
        "{\"requests\": [{\"url\":\"u\",\"method\":\"POST\",\"body\":{\"n\":0}},\"v\","
        "{\"url\":\"u\",\"method\":\"POST\",\"body\":\"two\"},"
        "{\"url\":\"u\",\"method\":\"POST\",\"body\":[3]},"
        "{\"url\":\"u\",\"method\":\"POST\",\"headers\":{\"body\":\"x\"}}]}");
    cr_expect(fixture_is(batch->items[0].body, "{\"n\":0}"));
    cr_expect_not(batch->items[1].has_body);
    cr_expect(fixture_is(batch->items[2].body, "two"));
    cr_expect(fixture_is(batch->items[3].body, "[3]"));
    cr_expect_not(batch->items[4].has_body);
    batch_free(batch);
}

Test(parse_body, a_string_is_sent_as_its_bytes)
{
    struct batch *batch = parse("[{\"url\":\"u\",\"method\":\"POST\",\"body\":"
                                "\"gr\\u00fc\xc3\x9f\\ud83d\\ude00\\n\\\"\"}]");
    cr_expect(fixture_is(batch->items[0].body, "gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80\n\""));
    batch_free(batch);
}

Test(parse_body, every_escape_is_undone)
{
    struct batch *batch = parse(
        "[{\"url\":\"u\",\"method\":\"POST\",\"body\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t"
        "\\u0001\\u007f\\u0080\\u07FF\\u0800\\uffff\\uD800\\udc00\\udbff\\uDFFFx\"}]");
    cr_expect(fixture_is(batch->items[0].body,
                         "\"\\/\b\f\n\r\t\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"
                         "\xf0\x90\x80\x80\xf4\x8f\xbf\xbfx"));
    batch_free(batch);
}

Test(parse_body, an_empty_string_is_an_empty_body)
{
    struct batch *batch = parse("[{\"url\":\"u\",\"method\":\"POST\",\"body\":\"\"},"
                                "{\"url\":\"u\",\"method\":\"POST\",\"body\":\"\","
                                "\"bodyEncoding\":\"base64\"}]");
    for (size_t i = 0; i < 2; i++) {
        cr_expect(batch->items[i].has_body);
        cr_expect_eq(batch->items[i].body.len, 0);
    }
    batch_free(batch);
}

Test(parse_body, base64_is_decoded_to_any_bytes)
{
    struct batch *batch =
        parse("[{\"url\":\"u\",\"method\":\"POST\",\"bodyEncoding\":\"base64\","
              "\"body\":\"AAEC/f7/\"}]");
    cr_assert_eq(batch->items[0].body.len, 6);
    cr_expect_eq(memcmp(batch->items[0].body.data, "\x00\x01\x02\xfd\xfe\xff", 6), 0);
    batch_free(batch);
}

Test(parse_body, a_default_body_is_decoded_once_for_all)
{
    struct batch *batch =
        parse("{\"requests\":[\"a\",\"b\",{\"url\":\"c\",\"bodyEncoding\":\"text\"},"
              "{\"url\":\"d\",\"bodyEncoding\":\"json\"}],"
              "\"defaults\":{\"method\":\"POST\",\"body\":\"eHk=\",\"bodyEncoding\":"
              "\"base64\"}}");
    cr_expect(fixture_is(batch->items[0].body, "xy"));
    cr_expect_eq(batch->items[0].body.data, batch->items[1].body.data);
    cr_expect(fixture_is(batch->items[2].body, "eHk="));
    cr_expect(fixture_is(batch->items[3].body, "\"eHk=\""));
    cr_expect_eq(batch->items[3].header_count, 1);
    batch_free(batch);
}

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

Test(parse_body, what_does_not_fit_its_encoding_is_refused)
{
    static const char *const texts[] = {"!!",          "eA",   "eA=",  "eA==\\n",
                                        "e A==",       "eB==", "====", "eA==eA==",
                                        "e\xc3\xbc==", "_-=="};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "[{'url':'u','method':'PUT','bodyEncoding':'base64','body':'%s'}]",
                 texts[i]);
        check_refused(text, "/0/body", "must be base64");
    }
    check_refused("[{'url':'u','method':'PUT','bodyEncoding':'base64','body':{'a':1}}]",
                  "/0/body", "must be a string");
    check_refused("[{'url':'u','method':'PUT','bodyEncoding':'text','body':5}]",
                  "/0/body", "must be a string");
    check_refused("[{'url':'u','method':'PUT','bodyEncoding':'text','body':null}]",
                  "/0/body", "must be a string");
}

Test(parse_body, a_wrong_default_body_is_reported_once)
{
    struct parse_errors errors;
    cr_assert_null(
        fixture_parse_quoted("{'urls': ['a', 'b', 'c'], 'defaults': {'method': 'POST',"
                             " 'bodyEncoding': 'base64', 'body': '!'}}",
                             &errors));
    cr_expect_eq(errors.total, 1);
    cr_expect(fixture_has_error(&errors, "/defaults/body", "must be base64"));
    parse_errors_done(&errors);
}

Test(parse_body, an_encoding_without_a_body_is_no_error)
{
    struct batch *batch = parse("[{\"url\":\"u\",\"bodyEncoding\":\"base64\"}]");
    cr_expect_not(batch->items[0].has_body);
    batch_free(batch);
}
