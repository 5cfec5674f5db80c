/* SPDX-License-Identifier: Apache-2.0 */
/* Parts replaced, and places found again. */
#include "batch/shortened.h"

#include <criterion/criterion.h>

Test(shortened, without_a_replacement_the_text_is_itself)
{
    struct slice text = slice_from("some text");
    struct shortened shortened;
    struct slice readable;
    shortened_init(&shortened, text);
    cr_assert(shortened_finish(&shortened, &readable));
    cr_expect_eq(readable.data, text.data);
    cr_expect_eq(readable.len, text.len);
    cr_expect_eq(shortened_original(&shortened, 5), 5);
    shortened_done(&shortened);
}

Test(shortened, places_are_found_again_before_between_and_behind)
{
    /*                  0123456789012345678901234 */
    static const char text[] = "ab{cdef}gh{i}jklmn{opqr}s";
    struct shortened shortened;
    struct slice readable;
    shortened_init(&shortened, slice_from(text));
    cr_assert(shortened_replace(&shortened, slice_make(text + 2, 6), "0"));
    cr_assert(shortened_replace(&shortened, slice_make(text + 10, 3), "0.0"));
    cr_assert(shortened_replace(&shortened, slice_make(text + 18, 6), "0"));
    cr_assert(shortened_finish(&shortened, &readable));
    cr_assert(slice_is(readable, "ab0gh0.0jklmn0s"));
    for (size_t i = 0; i < readable.len; i++) {
        char byte = readable.data[i];
        if (byte >= 'a')
            cr_expect_eq(text[shortened_original(&shortened, i)], byte, "at %zu", i);
    }
    cr_expect_eq(shortened_original(&shortened, 2), 2);
    cr_expect_eq(shortened_original(&shortened, readable.len), sizeof text - 1);
    shortened_done(&shortened);
}

Test(shortened, the_whole_may_be_one_part)
{
    static const char text[] = "[1,2,3]";
    struct shortened shortened;
    struct slice readable;
    shortened_init(&shortened, slice_from(text));
    cr_assert(shortened_replace(&shortened, slice_from(text), "0"));
    cr_assert(shortened_finish(&shortened, &readable));
    cr_expect(slice_is(readable, "0"));
    cr_expect_eq(shortened_original(&shortened, 1), 7);
    shortened_done(&shortened);
}
