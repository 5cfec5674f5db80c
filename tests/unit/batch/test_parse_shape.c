/* SPDX-License-Identifier: Apache-2.0 */
/* "select", "bodyMode" and "responseHeaders": what they become, and what is said of wrong
 * ones. */
#include "unit/batch/batch_fixture.h"

#include "batch/answer_shape.h"
#include "batch/batch.h"

#include <criterion/criterion.h>

static const struct answer_shape *shape_of(const struct batch *batch, size_t i)
{
    return batch->items[i].options->shape;
}

Test(parse_shape, pointers_arrive_with_their_steps)
{
    struct batch *batch = fixture_parse_good(
        "[{'url': 'u', 'select': ['', '/a~1b/0'], 'responseHeaders': ['ETag', 'x']}]");
    const struct answer_shape *shape = shape_of(batch, 0);
    cr_assert_eq(shape->pointer_count, 2);
    cr_expect(fixture_is(shape->pointers[1], "/a~1b/0"));
    cr_expect_eq(shape->paths[0].count, 0);
    cr_assert_eq(shape->paths[1].count, 2);
    cr_expect(fixture_is(shape->paths[1].steps[0].name, "a/b"));
    cr_expect_eq(shape->paths[1].steps[1].index, 0);
    cr_assert_eq(shape->header_count, 2);
    cr_expect(fixture_is(shape->header_names[0], "ETag"));
    cr_expect_eq(shape->body_mode, BODY_MODE_NOT_GIVEN);
    batch_free(batch);
}

Test(parse_shape, every_mode_is_known)
{
    struct batch *batch = fixture_parse_good(
        "[{'url': 'u', 'bodyMode': 'full'}, {'url': 'u', 'bodyMode': 'none'},"
        " {'url': 'u', 'bodyMode': 'sha256'},"
        " {'url': 'u', 'bodyMode': {'firstBytes': 7}},"
        " {'url': 'u', 'bodyMode': 'full', 'select': ['/a']}]");
    for (unsigned i = 0; i < 4; i++)
        cr_expect_eq(shape_of(batch, i)->body_mode, BODY_MODE_FULL + i);
    cr_expect_eq(shape_of(batch, 3)->first_bytes, 7);
    cr_expect_eq(shape_of(batch, 4)->pointer_count, 1);
    batch_free(batch);
}

Test(parse_shape, an_item_takes_from_the_defaults_what_it_leaves_open)
{
    struct batch *batch = fixture_parse_good(
        "{'requests': ['a', {'url': 'b', 'responseHeaders': []},"
        "  {'url': 'c', 'bodyMode': 'none'}, {'url': 'd', 'optional': true}],"
        " 'defaults': {'select': ['/a'], 'responseHeaders': ['etag']}}");
    cr_expect_eq(shape_of(batch, 0)->pointer_count, 1);
    cr_expect_eq(shape_of(batch, 0)->header_count, 1);
    cr_expect_eq(shape_of(batch, 1)->pointer_count, 1);
    cr_expect_eq(shape_of(batch, 1)->header_count, 0);
    cr_expect_eq(shape_of(batch, 2)->pointer_count, 0);
    cr_expect_eq(shape_of(batch, 2)->body_mode, BODY_MODE_NONE);
    cr_expect_eq(shape_of(batch, 2)->header_count, 1);
    cr_expect_eq(shape_of(batch, 3), shape_of(batch, 0));
    batch_free(batch);
}

Test(parse_shape, an_item_without_any_is_plain)
{
    struct batch *batch = fixture_parse_good("[{'url': 'u', 'bodyMode': 'none'}, 'v']");
    cr_expect_null(batch->items[1].options);
    batch_free(batch);
}

static const struct {
    const char *members;
    const char *pointer; /* in the item */
    const char *part;
} wrong[] = {
    {"'select': '/a'", "/select", "an array of 1 to 32 JSON pointers"},
    {"'select': []", "/select", "an array of 1 to 32 JSON pointers"},
    {"'select': {}", "/select", "an array of 1 to 32 JSON pointers"},
    {"'select': [1]", "/select/0", "must be a JSON pointer"},
    {"'select': ['/a', 'b']", "/select/1", "must be a JSON pointer"},
    {"'select': ['/a~2']", "/select/0", "behind ~ stands 0 or 1"},
    {"'select': ['/a', '/b', '/a']", "/select/2", "stands there twice"},
    {"'select': ['////////////////////////////////////']", "/select/0", "32 steps"},
    {"'select': ['/a'], 'bodyMode': 'none'", "/select", "needs the whole body"},
    {"'bodyMode': {'firstBytes': 1}, 'select': ['/a']", "/select", "needs the whole"},
    {"'bodyMode': 'empty'", "/bodyMode", "must be \"full\", \"none\""},
    {"'bodyMode': {}", "/bodyMode", "must be \"full\", \"none\""},
    {"'bodyMode': null", "/bodyMode", "must be \"full\", \"none\""},
    {"'bodyMode': 5", "/bodyMode", "must be \"full\", \"none\""},
    {"'bodyMode': {'firstByte': 5}", "/bodyMode/firstByte", "did you mean"},
    {"'bodyMode': {'firstBytes': 0}", "/bodyMode/firstBytes", "from 1 to"},
    {"'bodyMode': {'firstBytes': 9007199254740992}", "/bodyMode/firstBytes", "from 1 to"},
    {"'bodyMode': {'firstBytes': '5'}", "/bodyMode/firstBytes", "must be an integer"},
    {"'responseHeaders': 'etag'", "/responseHeaders", "an array of at most 64"},
    {"'responseHeaders': {}", "/responseHeaders", "an array of at most 64"},
    {"'responseHeaders': ['a', '']", "/responseHeaders/1", "a header's name"},
    {"'responseHeaders': [5]", "/responseHeaders/0", "a header's name"},
};

Test(parse_shape, a_wrong_one_is_named_and_explained)
{
    for (size_t i = 0; i < 2 * sizeof wrong / sizeof *wrong; i++) {
        struct parse_errors errors;
        char text[400], pointer[100];
        bool is_default = i % 2;
        snprintf(text, sizeof text, "%s%s}%s",
                 is_default ? "{'urls': [], 'defaults': {" : "['u', {'url': 'v', ",
                 wrong[i / 2].members, is_default ? "}" : "]");
        snprintf(pointer, sizeof pointer, "%s%s", is_default ? "/defaults" : "/1",
                 wrong[i / 2].pointer);
        cr_expect_null(fixture_parse_quoted(text, &errors));
        if (!fixture_has_error(&errors, pointer, wrong[i / 2].part)) {
            fixture_print_errors(&errors);
            cr_expect_fail("%s", text);
        }
        parse_errors_done(&errors);
    }
}

/* A list of `count` elements, each of `len` characters and unlike the others. */
static bool is_taken(const char *field, const char *prefix, size_t count, size_t len)
{
    static char text[200000];
    struct parse_errors errors;
    char *at = text;
    at += sprintf(at, "[{\"url\":\"u\",\"%s\":[", field);
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s\"%s%0*zu\"", i ? "," : "", prefix,
                      (int)(len - strlen(prefix)), i);
    sprintf(at, "]}]");
    struct batch *batch = fixture_parse(text, &errors);
    parse_errors_done(&errors);
    batch_free(batch);
    return batch != NULL;
}

Test(parse_shape, lists_and_names_have_their_greatest_lengths)
{
    cr_expect(is_taken("select", "/", SHAPE_POINTERS_MAX, SHAPE_POINTER_BYTES_MAX));
    cr_expect_not(is_taken("select", "/", SHAPE_POINTERS_MAX + 1, 5));
    cr_expect_not(is_taken("select", "/", 1, SHAPE_POINTER_BYTES_MAX + 1));
    cr_expect(is_taken("responseHeaders", "", SHAPE_HEADERS_MAX, SHAPE_HEADER_NAME_MAX));
    cr_expect_not(is_taken("responseHeaders", "", SHAPE_HEADERS_MAX + 1, 5));
    cr_expect_not(is_taken("responseHeaders", "", 1, SHAPE_HEADER_NAME_MAX + 1));
}
