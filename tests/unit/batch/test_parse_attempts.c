/* SPDX-License-Identifier: Apache-2.0 */
/* What an item says about its failures: read, merged with the defaults, refused. */
#include "batch/fallback.h"
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

Test(parse_attempts, every_field_arrives)
{
    struct batch *batch = fixture_parse_good(
        "[{'url': 'u', 'retries': 3, 'hedgeAfterMs': 1, 'idempotencyKey': 'k',"
        "  'alternatives': ['http://a/', 'b']}, 'v']");
    const struct item_options *options = batch->items[0].options;
    cr_assert_not_null(options);
    cr_expect_eq(options->retries, 3);
    cr_expect_eq(options->hedge_after_ms, 1);
    cr_expect(fixture_is(options->idempotency_key, "k"));
    cr_assert_eq(options->alternative_count, 2);
    cr_expect(fixture_is(options->alternatives[0], "http://a/"));
    cr_expect_str_eq(options->alternatives[1].data, "b", "a NUL stands behind");
    cr_expect_null(batch->items[1].options, "a plain item");
    batch_free(batch);
}

Test(parse_attempts, defaults_are_merged_field_by_field)
{
    struct batch *batch = fixture_parse_good(
        "{'requests': ['u', {'url': 'v', 'retries': 0}, {'url': 'w', 'fallback': {}}],"
        " 'defaults': {'retries': 2, 'hedgeAfterMs': 9, 'alternatives': ['x'],"
        "              'fallback': {'status': 203, 'body': 'd'}}}");
    cr_expect_eq(batch->items[0].options->retries, 2);
    cr_expect_eq(batch->items[1].options->retries, 0, "0 is a wish");
    cr_expect_eq(batch->items[1].options->hedge_after_ms, 9);
    cr_expect_eq(batch->items[1].options->alternative_count, 1);
    cr_expect_eq(batch->items[1].options->fallback->status, 203);
    cr_expect(fixture_is(batch->items[1].options->fallback->body, "d"));
    cr_expect_eq(batch->items[2].options->fallback->status, 200);
    cr_expect_eq(batch->items[2].options->fallback->body.len, 0);
    batch_free(batch);
}

Test(parse_attempts, the_key_is_one_header_more)
{
    struct batch *batch = fixture_parse_good(
        "[{'url': 'u', 'method': 'POST', 'headers': {'A': 'b'}, 'body': {},"
        "  'idempotencyKey': 'k 1'}, {'url': 'u', 'idempotencyKey': 'k'}]");
    const struct item *item = &batch->items[0];
    cr_assert_eq(item->header_count, 3);
    cr_expect(fixture_is(item->headers[0].name, "A"));
    cr_expect(fixture_is(item->headers[1].name, "Idempotency-Key"));
    cr_expect(fixture_is(item->headers[1].value, "k 1"));
    cr_expect(fixture_is(item->headers[2].name, "content-type"));
    cr_assert_eq(batch->items[1].header_count, 1);
    batch_free(batch);
}

Test(parse_attempts, the_fallback_is_a_whole_reply)
{
    struct batch *batch = fixture_parse_good(
        "[{'url': 'u', 'fallback': {'status': 599, 'headers': {'X-A': ['1', '2'],"
        "  'Content-TYPE': 'text/x'}, 'body': 'AP8=', 'bodyEncoding': 'base64'}},"
        " {'url': 'u', 'fallback': {'body': {'a':  1.0}, 'headers': {'a': 'b'}}}]");
    const struct fallback *fallback = batch->items[0].options->fallback;
    cr_expect_eq(fallback->status, 599);
    cr_assert_eq(fallback->header_count, 3);
    cr_expect(fixture_is(fallback->headers[0].name, "x-a"));
    cr_expect(fixture_is(fallback->headers[1].value, "2"));
    cr_expect(fixture_is(fallback->headers[2].name, "content-type"));
    cr_expect(fixture_is(fallback->content_type, "text/x"));
    cr_assert_eq(fallback->body.len, 2);
    cr_expect_arr_eq(fallback->body.data, "\0\xff", 2);
    fallback = batch->items[1].options->fallback;
    cr_expect(fixture_is(fallback->body, "{\"a\":  1.0}"));
    cr_expect(fixture_is(fallback->content_type, "application/json"));
    cr_expect_eq(fallback->header_count, 2);
    batch_free(batch);
}

Test(parse_attempts, both_bodies_of_an_item_are_its_own)
{
    struct batch *batch = fixture_parse_good(
        "[{'url': 'u', 'fallback': {'body': 'f'}, 'method': 'POST', 'body': 'b'},"
        " {'url': 'u', 'method': 'POST', 'body': 'c', 'fallback': {'body': 'g'}}]");
    for (size_t i = 0; i < 2; i++) {
        cr_expect(fixture_is(batch->items[i].body, i ? "c" : "b"));
        cr_expect(fixture_is(batch->items[i].options->fallback->body, i ? "g" : "f"));
    }
    batch_free(batch);
}

static void check_wrong(const char *fields, const char *pointer, const char *part)
{
    char text[700];
    struct parse_errors errors;
    snprintf(text, sizeof text, "[{'url': 'u', %s}]", fields);
    cr_expect_null(fixture_parse_quoted(text, &errors), "%s", text);
    cr_expect(fixture_has_error(&errors, pointer, part), "%s", text);
    fixture_print_errors(&errors);
    parse_errors_done(&errors);
}

Test(parse_attempts, what_is_wrong_is_named_with_its_place)
{
    static const char *const wrong[][3] = {
        {"'retries': 4", "/0/retries", "from 0 to 3"},
        {"'hedgeAfterMs': 0", "/0/hedgeAfterMs", "from 1 to 600000"},
        {"'hedgeAfterMs': 5, 'method': 'PUT'", "/0/hedgeAfterMs", "PUT request"},
        {"'idempotencyKey': 5", "/0/idempotencyKey", "1 to 255 bytes"},
        {"'idempotencyKey': ''", "/0/idempotencyKey", "1 to 255 bytes"},
        {"'idempotencyKey': ' k'", "/0/idempotencyKey", "white space"},
        {"'idempotencyKey': 'a\\r\\nb'", "/0/idempotencyKey", "control characters"},
        {"'idempotencyKey': 'k', 'headers': {'IDEMPOTENCY-KEY': 'k'}",
         "/0/idempotencyKey", "give one"},
        {"'alternatives': []", "/0/alternatives", "1 to 8"},
        {"'alternatives': ['1','2','3','4','5','6','7','8','9']", "/0/alternatives",
         "1 to 8"},
        {"'alternatives': {}", "/0/alternatives", "1 to 8"},
        {"'alternatives': ['x', 'http://a/{{b.body.c}}']", "/0/alternatives/1",
         "do not go into alternatives"},
        {"'alternatives': ['x', null]", "/0/alternatives/1", "a URL"},
        {"'fallback': 'x'", "/0/fallback", "an object"},
        {"'fallback': {'status': 600}", "/0/fallback/status", "from 200 to 599"},
        {"'fallback': {'status': true}", "/0/fallback/status", "from 200 to 599"},
        {"'fallback': {'headers': {'connection': 'x'}}", "/0/fallback/headers/connection",
         "belongs to the connection"},
        {"'fallback': {'bodyencoding': 'text'}", "/0/fallback/bodyencoding",
         "bodyEncoding"},
        {"'fallback': {'bodyEncoding': 5}", "/0/fallback/bodyEncoding", "a string"},
        {"'fallback': {'bodyEncoding': 'gzip'}", "/0/fallback/bodyEncoding", "base64"},
        {"'fallback': {'body': 5, 'bodyEncoding': 'text'}", "/0/fallback/body",
         "must be a string"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_wrong(wrong[i][0], wrong[i][1], wrong[i][2]);
}

Test(parse_attempts, a_default_an_unsafe_method_cannot_take_is_refused_at_the_item)
{
    struct parse_errors errors;
    cr_expect_null(
        fixture_parse_quoted("{'requests': ['u', {'url': 'v', 'method': 'POST'}],"
                             " 'defaults': {'hedgeAfterMs': 5}}",
                             &errors));
    cr_expect_eq(errors.total, 1);
    cr_expect(fixture_has_error(&errors, "/requests/1", "the defaults"));
    parse_errors_done(&errors);
    cr_expect_null(fixture_parse_quoted(
        "{'requests': ['u'], 'defaults': {'idempotencyKey': 'k'}}", &errors));
    cr_expect(fixture_has_error(&errors, "/defaults/idempotencyKey", "cannot be"));
    parse_errors_done(&errors);
}
