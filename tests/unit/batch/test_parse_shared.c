/* SPDX-License-Identifier: Apache-2.0 */
/* "sharedBody": one body for many items, in memory once. */
#include "unit/batch/batch_fixture.h"

#include <criterion/criterion.h>

static void expect_error(const char *text, const char *pointer, const char *part)
{
    struct parse_errors errors;
    cr_expect_null(fixture_parse_quoted(text, &errors), "%s", text);
    cr_expect(fixture_has_error(&errors, pointer, part), "%s", text);
    fixture_print_errors(&errors);
    parse_errors_done(&errors);
}

#define POST "'url':'u','method':'POST'"
#define SHARED "'body':{'$shared':true}"

Test(parse_shared, items_that_ask_for_it_have_the_same_bytes_at_the_same_place)
{
    struct batch *batch = fixture_parse_good(
        "{'sharedBody': {'n': 1e400} ,'requests':[{" POST "," SHARED "},{" POST
        ",'body':{'x':1}},{" POST
        ",'body' : \n{\t'$shared'\r\n: true }},{'url':'u','method':'DELETE'}]}");
    const struct item *items = batch->items;
    cr_expect(fixture_is(items[0].body, "{\"n\": 1e400}"));
    cr_expect(items[0].has_body && items[0].has_shared_body);
    cr_expect(items[2].body.data == items[0].body.data);
    cr_expect(fixture_is(items[1].body, "{\"x\":1}") && !items[1].has_shared_body);
    cr_expect(!items[3].has_body && !items[3].has_shared_body);
    cr_assert_eq(items[0].header_count, 1);
    cr_expect(slice_is(items[0].headers[0].value, "application/json"));
    batch_free(batch);
}

Test(parse_shared, the_defaults_may_ask_for_it_and_a_request_have_its_own)
{
    struct batch *batch =
        fixture_parse_good("{'defaults':{'method':'PUT'," SHARED ",'bodyEncoding':"
                           "'json'},'sharedBody':'aGk=','sharedBodyEncoding':"
                           "'base64','requests':['u',{'url':'u','body':'own'}]}");
    cr_expect(fixture_is(batch->items[0].body, "hi"));
    cr_expect_eq(batch->items[0].header_count, 0);
    cr_expect(fixture_is(batch->items[1].body, "\"own\""));
    batch_free(batch);
}

Test(parse_shared, it_is_read_by_its_type_or_its_own_encoding)
{
#define ONE(shared) "{" shared ",'requests':[{" POST "," SHARED "}]}"
    static const char *const rows[][2] = {
        {ONE("'sharedBody':'text'"), "text"},
        {ONE("'sharedBody':'text','sharedBodyEncoding':'json'"), "\"text\""},
        {ONE("'sharedBody':'text','sharedBodyEncoding':'text'"), "text"},
        {ONE("'sharedBody':null"), "null"},
        {ONE("'sharedBody':{'$shared':true}"), "{\"$shared\":true}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct batch *batch = fixture_parse_good(rows[i][0]);
        cr_expect(fixture_is(batch->items[0].body, rows[i][1]), "%s", rows[i][0]);
        batch_free(batch);
    }
}

Test(parse_shared, other_objects_are_bodies_like_any)
{
    static const char *const bodies[] = {
        "{'$shared':false}",      "{'$shared':1}",
        "{'$shared':true,'a':1}", "{'a':1,'$shared':true}",
        "[{'$shared':true}]",     "'{$shared: true}'",
        "{'$share':true}",        "{}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char text[200];
        snprintf(text, sizeof text, "[{" POST ",'body':%s}]", bodies[i]);
        struct batch *batch = fixture_parse_good(text);
        cr_expect(!batch->items[0].has_shared_body && batch->items[0].has_body);
        batch_free(batch);
    }
}

Test(parse_shared, what_does_not_go_together_is_refused)
{
    expect_error("[{" POST "," SHARED "}]", "/0/body", "there is no \"sharedBody\"");
    expect_error("{'sharedBody':1,'requests':[{" POST ",'body':{'$share':true}}]}",
                 "/sharedBody", "no request uses it");
    expect_error("{'sharedBodyEncoding':'text','urls':['u']}", "/sharedBodyEncoding",
                 "there is no \"sharedBody\"");
    expect_error(ONE("'sharedBody':'x','sharedBodyEncoding':'hex'"),
                 "/sharedBodyEncoding", "must be \"text\", \"json\" or \"base64\"");
    expect_error(ONE("'sharedBody':'x','sharedBodyEncoding':1"), "/sharedBodyEncoding",
                 "must be \"text\"");
    expect_error(ONE("'sharedBody':'?','sharedBodyEncoding':'base64'"), "/sharedBody",
                 "must be base64");
    expect_error(ONE("'sharedBody':{},'sharedBodyEncoding':'text'"), "/sharedBody",
                 "must be a string");
    expect_error("{'sharedBody':1,'requests':[{" POST "," SHARED
                 ",'bodyEncoding':'json'}]}",
                 "/requests/0/bodyEncoding", "\"sharedBodyEncoding\"");
    expect_error("{'sharedBody':1,'requests':[{'url':'u'," SHARED "}]}",
                 "/requests/0/body", "GET request carries no body");
    expect_error("{'sharedbody':1,'urls':['u']}", "/sharedbody",
                 "did you mean \"sharedBody\"?");
}

Test(parse_shared, one_wrong_shared_body_is_one_error_however_many_use_it)
{
    struct parse_errors errors;
    cr_expect_null(fixture_parse_quoted(
        "{'sharedBody':{},'sharedBodyEncoding':'base64','requests':[{" POST "," SHARED
        "},{" POST "," SHARED "}]}",
        &errors));
    cr_expect_eq(errors.total, 1);
    parse_errors_done(&errors);
}
