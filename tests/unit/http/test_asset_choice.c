/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets the compressed form of a file, and who has it already. */
#include "http/asset_choice.h"

#include <criterion/criterion.h>

static bool gzip(const char *value)
{
    return asset_choice_gzip(slice_from(value));
}

Test(asset_choice, gzip_goes_to_those_who_name_it)
{
    static const char *const takers[] = {
        "gzip",       "deflate, gzip, br", "GZip",     "x-gzip", " br ,\tgzip ",
        "gzip;q=0.1", "gzip ; q=0.001",    "gzip;q=1", "gzip;"};
    for (size_t i = 0; i < sizeof takers / sizeof *takers; i++)
        cr_expect(gzip(takers[i]), "%s", takers[i]);
}

Test(asset_choice, others_get_it_as_it_is)
{
    static const char *const others[] = {
        "",        "identity", "br", "gzip;q=0", "gzip; Q=0.000",
        "gzipped", "*",        ",,", "q=gzip"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_not(gzip(others[i]), "%s", others[i]);
}

static bool is_known(const char *value)
{
    return asset_choice_is_known(slice_from(value), slice_from("\"abc\""));
}

Test(asset_choice, a_tag_of_the_list_is_known)
{
    cr_expect(is_known("\"abc\""));
    cr_expect(is_known("\"x\", \"abc\""));
    cr_expect(is_known("W/\"abc\""), "weakly compared");
    cr_expect(is_known("*"));
}

Test(asset_choice, any_other_tag_is_not)
{
    cr_expect_not(is_known(""));
    cr_expect_not(is_known("\"abcd\", \"ab\""));
    cr_expect_not(is_known("abc"));
    cr_expect_not(is_known("W/"));
    cr_expect_not(is_known(" , "));
}
