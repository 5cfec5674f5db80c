/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of one request, their ranges, and the merge with the defaults. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

Test(parse_item, every_field_arrives)
{
    struct batch *batch = fixture_parse_good(
        "[{'url': 'http://a/', 'id': 'x', 'method': 'PATCH', 'headers': {'A': 'b'},"
        "  'body': 'text', 'timeoutMs': 1, 'connectTimeoutMs': 600000, 'redirects': 20,"
        "  'maxBodyBytes': 9007199254740991}]");
    const struct item *item = &batch->items[0];
    cr_expect(fixture_is(item->url, "http://a/"));
    cr_expect(fixture_is(item->id, "x"));
    cr_expect_eq(item->method, METHOD_PATCH);
    cr_assert_eq(item->header_count, 1);
    cr_expect(fixture_is(item->headers[0].name, "A"));
    cr_expect(fixture_is(item->headers[0].value, "b"));
    cr_expect(item->has_body);
    cr_expect(fixture_is(item->body, "text"));
    cr_expect_eq(item->timeout_ms, 1);
    cr_expect_eq(item->connect_timeout_ms, 600000);
    cr_expect_eq(item->redirects, 20);
    cr_expect_eq(item->max_body_bytes, 9007199254740991);
    batch_free(batch);
}

/* S15: a method is one of the list, or the batch is refused (see wrong). */
Test(parse_item, every_method_is_known)
{
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        char text[100];
        snprintf(text, sizeof text, "[{'url': 'u', 'method': '%s'}]",
                 call_method_name((enum call_method)i));
        struct batch *batch = fixture_parse_good(text);
        cr_expect_eq(batch->items[0].method, i);
        batch_free(batch);
    }
}

Test(parse_item, redirects_of_0_is_a_wish_and_not_the_lack_of_one)
{
    struct batch *batch = fixture_parse_good(
        "{'requests': [{'url': 'u', 'redirects': 0}, 'u',"
        " {'url': 'u', 'redirects': -0}], 'defaults': {'redirects': 3}}");
    cr_expect_eq(batch->items[0].redirects, 0);
    cr_expect_eq(batch->items[1].redirects, 3);
    cr_expect_eq(batch->items[2].redirects, 0);
    batch_free(batch);
}

Test(parse_item, an_items_own_field_wins_over_the_defaults)
{
    struct batch *batch = fixture_parse_good(
        "{'requests': ['a', {'url': 'b', 'method': 'PUT', 'body': 'mine', 'timeoutMs': 1,"
        "   'connectTimeoutMs': 2, 'redirects': 3, 'maxBodyBytes': 4}],"
        " 'defaults': {'method': 'POST', 'body': 'theirs', 'timeoutMs': 11,"
        "   'connectTimeoutMs': 12, 'redirects': 13, 'maxBodyBytes': 14}}");
    const struct item *first = &batch->items[0];
    cr_expect_eq(first->method, METHOD_POST);
    cr_expect(fixture_is(first->body, "theirs"));
    cr_expect_eq(first->timeout_ms, 11);
    cr_expect_eq(first->connect_timeout_ms, 12);
    cr_expect_eq(first->redirects, 13);
    cr_expect_eq(first->max_body_bytes, 14);
    const struct item *second = &batch->items[1];
    cr_expect_eq(second->method, METHOD_PUT);
    cr_expect(fixture_is(second->body, "mine"));
    cr_expect_eq(second->timeout_ms, 1);
    cr_expect_eq(second->connect_timeout_ms, 2);
    cr_expect_eq(second->redirects, 3);
    cr_expect_eq(second->max_body_bytes, 4);
    batch_free(batch);
}

struct shape_case {
    const char *item;
    const char *pointer; /* in the item */
    const char *part;
};

static const struct shape_case shapes[] = {
    {"{}", "", "\"url\" is missing"},
    {"{'uri': 'u'}", "/uri", "did you mean \"url\""},
    {"{'Url': 'u'}", "/Url", "did you mean \"url\""},
    {"{'url': 'u', 'methd': 'GET'}", "/methd", "did you mean \"method\""},
    {"{'url': 'u', 'header': {}}", "/header", "did you mean \"headers\""},
    {"{'url': 'u', 'timeoutMS': 1}", "/timeoutMS", "did you mean \"timeoutMs\""},
    {"{'url': 'u', 'timeout': 1}", "/timeout", "did you mean \"timeoutMs\""},
    {"{'url': 'u', 'redirect': 1}", "/redirect", "did you mean \"redirects\""},
    {"{'url': 'u', 'bodyencoding': 1}", "/bodyencoding", "did you mean \"bodyEncoding\""},
    {"{'url': 'u', 'maxBodyByte': 1}", "/maxBodyByte", "did you mean \"maxBodyBytes\""},
    {"{'url': 5}", "/url", "must be a string"},
    {"{'url': null}", "/url", "must be a string"},
    {"{'url': ['u']}", "/url", "must be a string"},
    {"{'url': 'u', 'id': 7}", "/id", "must be a string"},
    {"{'url': 'u', 'id': ''}", "/id", "1 to 128 characters"},
    {"{'url': 'u', 'method': 'BREW'}", "/method", "must be GET, HEAD"},
    {"{'url': 'u', 'method': 'get'}", "/method", "in capitals: \"GET\""},
    {"{'url': 'u', 'method': 'GE T'}", "/method", "must be GET"},
    {"{'url': 'u', 'method': 'TRACE'}", "/method", "must be GET"},
    {"{'url': 'u', 'method': 'CONNECT'}", "/method", "must be GET"},
    {"{'url': 'u', 'method': ''}", "/method", "must be GET"},
    {"{'url': 'u', 'method': 'GET\\r\\nX: y'}", "/method", "must be GET"},
    {"{'url': 'u', 'method': 'GET / HTTP/1.1'}", "/method", "must be GET"},
    {"{'url': 'u', 'method': 1}", "/method", "must be a string"},
    {"{'url': 'u', 'timeoutMs': 0}", "/timeoutMs", "from 1 to 600000"},
    {"{'url': 'u', 'timeoutMs': -1}", "/timeoutMs", "from 1 to 600000"},
    {"{'url': 'u', 'timeoutMs': 600001}", "/timeoutMs", "from 1 to 600000"},
    {"{'url': 'u', 'timeoutMs': '5'}", "/timeoutMs", "must be an integer"},
    {"{'url': 'u', 'timeoutMs': 1.5}", "/timeoutMs", "must be an integer"},
    {"{'url': 'u', 'timeoutMs': 1.0}", "/timeoutMs", "must be an integer"},
    {"{'url': 'u', 'timeoutMs': 1E2}", "/timeoutMs", "must be an integer"},
    {"{'url': 'u', 'timeoutMs': null}", "/timeoutMs", "must be an integer"},
    {"{'url': 'u', 'timeoutMs': 4611686018427387904}", "/timeoutMs",
     "must be an integer"},
    {"{'url': 'u', 'timeoutMs': 99999999999999999999999}", "/timeoutMs",
     "must be an integer"},
    {"{'url': 'u', 'timeoutMs': 1e999999}", "/timeoutMs", "must be an integer"},
    {"{'url': 'u', 'connectTimeoutMs': true}", "/connectTimeoutMs", "must be an integer"},
    {"{'url': 'u', 'redirects': -1}", "/redirects", "from 0 to 20"},
    {"{'url': 'u', 'redirects': 21}", "/redirects", "from 0 to 20"},
    {"{'url': 'u', 'redirects': '1'}", "/redirects", "from 0 to 20"},
    {"{'url': 'u', 'maxBodyBytes': 0}", "/maxBodyBytes", "from 1 to 9007199254740991"},
    {"{'url': 'u', 'maxBodyBytes': -5}", "/maxBodyBytes", "from 1 to"},
    {"{'url': 'u', 'maxBodyBytes': 9007199254740992}", "/maxBodyBytes", "from 1 to"},
    {"{'url': 'u', 'bodyEncoding': 'hex'}", "/bodyEncoding", "\"base64\""},
    {"{'url': 'u', 'bodyEncoding': 1}", "/bodyEncoding", "must be a string"},
    {"{'url': 'u', 'body': 'x'}", "/body", "a GET request carries no body"},
    {"{'url': 'u', 'body': 'x', 'method': 'HEAD'}", "/body",
     "a HEAD request carries no body"},
};

Test(parse_item, wrong_fields_are_refused_at_their_pointer)
{
    static const char *const lists[][3] = {
        {"{'requests': ['u', ", "]}", "/requests/1"},
        {"[", "]", "/0"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (size_t j = 0; j < 2; j++) {
            char text[300];
            char pointer[100];
            snprintf(text, sizeof text, "%s%s%s", lists[j][0], shapes[i].item,
                     lists[j][1]);
            snprintf(pointer, sizeof pointer, "%s%s", lists[j][2], shapes[i].pointer);
            struct parse_errors errors;
            struct batch *batch = fixture_parse_quoted(text, &errors);
            cr_expect_null(batch, "taken: %s", text);
            if (!fixture_has_error(&errors, pointer, shapes[i].part)) {
                fixture_print_errors(&errors);
                cr_expect_fail("%s: no \"%s\" at %s", text, shapes[i].part, pointer);
            }
            parse_errors_done(&errors);
        }
    }
}

Test(parse_item, a_missing_url_is_not_reported_for_a_wrong_one)
{
    struct parse_errors errors;
    cr_assert_null(fixture_parse_quoted("[{'url': 5}]", &errors));
    cr_expect_eq(errors.total, 1);
    parse_errors_done(&errors);
}

Test(parse_item, a_default_body_on_a_get_says_where_it_comes_from)
{
    struct parse_errors errors;
    cr_assert_null(
        fixture_parse_quoted("{'requests': ['u'], 'defaults': {'body': 'x'}}", &errors));
    cr_expect(fixture_has_error(&errors, "/requests/0", "(the defaults give one)"));
    parse_errors_done(&errors);
}
