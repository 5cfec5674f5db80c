/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, white space and media types of HTTP fields. */
#include "base/field_text.h"

#include <criterion/criterion.h>
#include <ctype.h>

Test(field_text, the_bytes_of_a_token_are_those_of_the_rfc)
{
    static const char others[] = "!#$%&'*+-.^_`|~"; /* RFC 9110 5.6.2 */
    for (int byte = 0; byte < 256; byte++) {
        bool is_other = byte && byte < 0x80 && strchr(others, byte);
        bool is_right = (byte < 0x80 && isalnum(byte)) || is_other;
        char text[1] = {(char)byte};
        cr_expect_eq(field_is_token_byte(text[0]), is_right, "%d", byte);
        cr_expect_eq(field_is_token(slice_make(text, 1)), is_right, "%d", byte);
    }
    cr_expect_not(field_is_token(slice_from("")));
    cr_expect(field_is_token(slice_from("x-Request-Id")));
    cr_expect_not(field_is_token(slice_from("x y")));
}

Test(field_text, a_media_type_is_what_stands_before_the_parameters)
{
    static const char *const rows[][2] = {
        {"text/html", "text/html"},
        {" \tText/HTML \t; charset=utf-8", "Text/HTML"},
        {"text/html;", "text/html"},
        {";", ""},
        {" \t ", ""},
        {"", ""},
        {"a b", "a b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(slice_is(field_media_type(slice_from(rows[i][0])), rows[i][1]), "%s",
                  rows[i][0]);
}
