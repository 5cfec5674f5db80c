/* SPDX-License-Identifier: Apache-2.0 */
/* "expect": what it becomes, and what is said of wrong ones. */
#include "unit/batch/batch_fixture.h"

#include "batch/batch.h"
#include "batch/expect.h"

#include <criterion/criterion.h>

Test(parse_expect, every_member_arrives)
{
    struct batch *batch = fixture_parse_good(
        "[{'url': 'u', 'expect': {'status': [204, '3xx'], 'contentType': '+json',"
        " 'maxBodyBytes': 0, 'bodyContains': 'ok'}}, 'v']");
    const struct expectation *expect = batch->items[0].options->expect;
    cr_assert_eq(expect->status_count, 2);
    cr_expect_eq(expect->statuses[0], 204);
    cr_expect_eq(expect->statuses[1], 3);
    cr_expect(fixture_is(expect->content_type, "+json"));
    cr_expect_eq(expect->max_body_bytes, 0);
    cr_expect(fixture_is(expect->body_contains, "ok"));
    cr_expect_null(batch->items[1].options);
    batch_free(batch);
}

Test(parse_expect, what_is_not_given_is_not_looked_at)
{
    struct batch *batch =
        fixture_parse_good("[{'url': 'u', 'expect': {'contentType': 'a/*'}}]");
    const struct expectation *expect = batch->items[0].options->expect;
    cr_expect_eq(expect->status_count, 0);
    cr_expect_eq(expect->max_body_bytes, -1);
    cr_expect_null(expect->body_contains.data);
    batch_free(batch);
}

Test(parse_expect, an_items_own_replaces_that_of_the_defaults_whole)
{
    struct batch *batch = fixture_parse_good(
        "{'requests': ['a', {'url': 'b', 'expect': {'maxBodyBytes': 5}}],"
        " 'defaults': {'expect': {'status': ['2xx']}}}");
    cr_expect_eq(batch->items[0].options->expect->status_count, 1);
    cr_expect_eq(batch->items[1].options->expect->status_count, 0);
    cr_expect_eq(batch->items[1].options->expect->max_body_bytes, 5);
    batch_free(batch);
}

static const struct {
    const char *expect;
    const char *pointer; /* in "expect" */
    const char *part;
} wrong[] = {
    {"{}", "", "at least one of"},
    {"[]", "", "must be an object"},
    {"200", "", "must be an object"},
    {"null", "", "must be an object"},
    {"{'statuses': [200]}", "/statuses", "did you mean \"status\""},
    {"{'content-type': 'a/b'}", "/content-type", "did you mean \"contentType\""},
    {"{'x': 1}", "/x", "unknown field"},
    {"{'status': 200}", "/status", "an array of 1 to 32"},
    {"{'status': '2xx'}", "/status", "an array of 1 to 32"},
    {"{'status': []}", "/status", "an array of 1 to 32"},
    {"{'status': {}}", "/status", "an array of 1 to 32"},
    {"{'status': [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}",
     "/status", "an array of 1 to 32"},
    {"{'status': [99]}", "/status/0", "from 100 to 599"},
    {"{'status': [200, 600]}", "/status/1", "from 100 to 599"},
    {"{'status': [65736]}", "/status/0", "from 100 to 599"},
    {"{'status': [2]}", "/status/0", "from 100 to 599"},
    {"{'status': [200.0]}", "/status/0", "from 100 to 599"},
    {"{'status': [null]}", "/status/0", "\"1xx\" to \"5xx\""},
    {"{'status': ['0xx']}", "/status/0", "\"1xx\" to \"5xx\""},
    {"{'status': ['6xx']}", "/status/0", "\"1xx\" to \"5xx\""},
    {"{'status': ['2XX']}", "/status/0", "\"1xx\" to \"5xx\""},
    {"{'status': ['200']}", "/status/0", "\"1xx\" to \"5xx\""},
    {"{'status': ['2xxx']}", "/status/0", "\"1xx\" to \"5xx\""},
    {"{'status': ['']}", "/status/0", "\"1xx\" to \"5xx\""},
    {"{'contentType': 'json'}", "/contentType", "a media type without parameters"},
    {"{'contentType': 'a/b;c=d'}", "/contentType", "without parameters"},
    {"{'contentType': ['a/b']}", "/contentType", "a media type"},
    {"{'maxBodyBytes': -1}", "/maxBodyBytes", "from 0 to 9007199254740991"},
    {"{'maxBodyBytes': 9007199254740992}", "/maxBodyBytes", "from 0 to"},
    {"{'maxBodyBytes': '1'}", "/maxBodyBytes", "must be an integer"},
    {"{'bodyContains': ''}", "/bodyContains", "1 to 4096 bytes"},
    {"{'bodyContains': 5}", "/bodyContains", "must be a string"},
};

Test(parse_expect, a_wrong_one_is_named_and_explained)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct parse_errors errors;
        char text[400], pointer[100];
        snprintf(text, sizeof text, "['u', {'url': 'v', 'expect': %s}]", wrong[i].expect);
        snprintf(pointer, sizeof pointer, "/1/expect%s", wrong[i].pointer);
        cr_expect_null(fixture_parse_quoted(text, &errors));
        cr_expect(fixture_has_error(&errors, pointer, wrong[i].part), "%s", text);
        if (!fixture_has_error(&errors, pointer, wrong[i].part))
            fixture_print_errors(&errors);
        parse_errors_done(&errors);
        snprintf(text, sizeof text, "{'urls': [], 'defaults': {'expect': %s}}",
                 wrong[i].expect);
        snprintf(pointer, sizeof pointer, "/defaults/expect%s", wrong[i].pointer);
        cr_expect_null(fixture_parse_quoted(text, &errors));
        cr_expect(fixture_has_error(&errors, pointer, wrong[i].part), "%s", text);
        parse_errors_done(&errors);
    }
}

Test(parse_expect, a_text_of_the_greatest_length_is_taken)
{
    char text[EXPECT_CONTAINS_MAX + 100], part[EXPECT_CONTAINS_MAX + 2];
    struct parse_errors errors;
    memset(part, 'x', sizeof part);
    part[EXPECT_CONTAINS_MAX] = '\0';
    snprintf(text, sizeof text, "[{'url': 'u', 'expect': {'bodyContains': '%s'}}]", part);
    batch_free(fixture_parse_good(text));
    part[EXPECT_CONTAINS_MAX] = 'x';
    part[EXPECT_CONTAINS_MAX + 1] = '\0';
    snprintf(text, sizeof text, "[{'url': 'u', 'expect': {'bodyContains': '%s'}}]", part);
    cr_expect_null(fixture_parse_quoted(text, &errors));
    parse_errors_done(&errors);
}
