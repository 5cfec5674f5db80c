/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a reply is shown. */
#include "batch/answer_shape.h"

#include <criterion/criterion.h>

static const struct slice names[] = {{"ETag", 4}, {"x-a", 3}};
static const struct slice pointers[] = {{"/a", 2}};
static const struct json_path paths[1];

static const struct answer_shape selecting = {
    .pointers = pointers, .paths = paths, .pointer_count = 1};
static const struct answer_shape cutting = {.body_mode = BODY_MODE_FIRST_BYTES,
                                            .first_bytes = 5};
static const struct answer_shape with_headers = {
    .header_names = names, .header_count = 2, .has_headers = true};

Test(answer_shape, what_is_not_given_comes_from_the_defaults)
{
    struct answer_shape own = with_headers;
    answer_shape_merge(&own, &cutting);
    cr_expect_eq(own.header_count, 2);
    cr_expect_eq(own.body_mode, BODY_MODE_FIRST_BYTES);
    cr_expect_eq(own.first_bytes, 5);
    own = cutting;
    answer_shape_merge(&own, &with_headers);
    cr_expect(own.has_headers && own.header_names == names);
    own = with_headers;
    answer_shape_merge(&own, &selecting);
    cr_expect(own.pointers == pointers && own.paths == paths && own.pointer_count == 1);
}

Test(answer_shape, own_lists_of_headers_win_even_empty_ones)
{
    struct answer_shape own = {.has_headers = true};
    answer_shape_merge(&own, &with_headers);
    cr_expect_eq(own.header_count, 0);
}

Test(answer_shape, a_selection_and_a_mode_replace_one_another)
{
    struct answer_shape own = selecting;
    answer_shape_merge(&own, &cutting);
    cr_expect_eq(own.body_mode, BODY_MODE_NOT_GIVEN);
    own = cutting;
    answer_shape_merge(&own, &selecting);
    cr_expect_eq(own.pointer_count, 0);
    own = (struct answer_shape){.body_mode = BODY_MODE_FULL};
    answer_shape_merge(&own, &selecting);
    cr_expect_eq(own.pointer_count, 0, "full takes a default selection away");
}

Test(answer_shape, only_a_whole_body_can_be_selected_from)
{
    for (unsigned mode = BODY_MODE_NOT_GIVEN; mode <= BODY_MODE_FIRST_BYTES; mode++) {
        struct answer_shape shape = selecting;
        shape.body_mode = (enum body_mode)mode;
        cr_expect_eq(answer_shape_is_contradictory(&shape), mode > BODY_MODE_FULL);
        cr_expect(answer_shape_has_body(&shape));
        shape.pointer_count = 0;
        cr_expect_not(answer_shape_is_contradictory(&shape));
        cr_expect_eq(answer_shape_has_body(&shape), mode > BODY_MODE_FULL);
    }
}

Test(answer_shape, what_will_be_written_is_known_before)
{
    static const size_t expected[] = {100, 100, 0, 0, 5};
    for (unsigned mode = BODY_MODE_NOT_GIVEN; mode <= BODY_MODE_FIRST_BYTES; mode++) {
        const struct answer_shape shape = {.body_mode = (enum body_mode)mode,
                                           .first_bytes = 5};
        cr_expect_eq(answer_shape_body_bytes(&shape, 100), expected[mode]);
    }
    cr_expect_eq(answer_shape_body_bytes(&cutting, 5), 5);
    cr_expect_eq(answer_shape_body_bytes(&cutting, 4), 4);
}

Test(answer_shape, headers_are_kept_whatever_their_case)
{
    cr_expect(answer_shape_keeps(&with_headers, slice_from("etag")));
    cr_expect(answer_shape_keeps(&with_headers, slice_from("x-a")));
    cr_expect_not(answer_shape_keeps(&with_headers, slice_from("x-ab")));
    cr_expect_not(answer_shape_keeps(&with_headers, slice_from("x")));
    cr_expect_not(answer_shape_keeps(&cutting, slice_from("etag")));
}

static const struct {
    const char *body;
    size_t most;
    const char *cut;
    bool is_text;
} cuts[] = {
    {"hello", 9, "hello", true},
    {"hello", 5, "hello", true},
    {"hello", 4, "hell", true},
    {"n\xc3\xa9!", 1, "n", true},
    {"n\xc3\xa9!", 2, "n", true},
    {"n\xc3\xa9!", 3, "n\xc3\xa9", true},
    {"\xe2\x82\xac", 1, "", true},
    {"\xe2\x82\xac", 2, "", true},
    {"\xf0\x9f\x98\x80", 3, "", true},
    {"a\xf0\x9f\x98\x80z", 4, "a", true},
    {"a\xf0\x9f\x98\x80z", 5, "a\xf0\x9f\x98\x80", true},
    {"a\xff", 1, "a", true},          /* what comes behind is not looked at */
    {"a\x80\x80", 1, "a", true},      /* nothing is cut in two: that is no character */
    {"a\x80\x80", 2, "a\x80", false}, /* base64 of exactly so many */
    {"\xc3\xa9\xa9", 2, "\xc3\xa9", true},
    {"\xff\xfe\xfd", 2, "\xff\xfe", false},
    {"\xed\xa0\x80z", 2, "\xed\xa0", false}, /* a surrogate */
    {"\xc0\xafz", 1, "\xc0", false},         /* an overlong form */
    {"\xe2\x82z", 2, "\xe2\x82", false},
    {"\x80\x80\x80\x80\x80\x80", 5, "\x80\x80\x80\x80\x80", false},
    {"a\xff", 9, "a\xff", false},
};

Test(answer_shape, bytes_are_cut_between_characters)
{
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        bool is_text;
        struct slice cut =
            answer_shape_cut(slice_from(cuts[i].body), cuts[i].most, &is_text);
        cr_expect(slice_is(cut, cuts[i].cut), "row %zu: %zu bytes", i, cut.len);
        cr_expect_eq(is_text, cuts[i].is_text, "row %zu", i);
    }
}
