/* SPDX-License-Identifier: Apache-2.0 */
/* http/time_left.h: digits and nothing else. */
#include "http/time_left.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static uint64_t parsed(const char *text)
{
    uint64_t ms = 12345;
    cr_assert(time_left_parse(slice_from(text), &ms), "%s", text);
    return ms;
}

Test(time_left, is_a_whole_number)
{
    cr_assert_eq(parsed("0"), 0);
    cr_assert_eq(parsed("1"), 1);
    cr_assert_eq(parsed("0250"), 250);
    cr_assert_eq(parsed("18446744073709551615"), UINT64_MAX);
}

Test(time_left, less_than_nothing_is_nothing)
{
    cr_assert_eq(parsed("-1"), 0);
    cr_assert_eq(parsed("-0"), 0);
    cr_assert_eq(parsed("-99999999999999999999999"), 0);
}

Test(time_left, what_is_too_large_is_the_largest)
{
    cr_assert_eq(parsed("18446744073709551616"), UINT64_MAX);
    cr_assert_eq(parsed("99999999999999999999999999999999"), UINT64_MAX);
}

Test(time_left, anything_else_is_refused_and_leaves_the_number)
{
    static const char *const texts[] = {"",    "-",   "+1", " 1",  "1 ",
                                        "1.5", "1e3", "1s", "0x1", "--1",
                                        "1,2", "1;2", "a",  "1-",  "٣"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint64_t ms = 7;
        cr_expect_not(time_left_parse(slice_from(texts[i]), &ms), "\"%s\"", texts[i]);
        cr_expect_eq(ms, 7);
    }
    uint64_t ms;
    cr_expect_not(time_left_parse(slice_make("1\0", 2), &ms));
    cr_expect(time_left_parse(slice_make("12", 1), &ms) && ms == 1);
}
