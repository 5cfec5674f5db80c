/* SPDX-License-Identifier: Apache-2.0 */
/* base/hex.h. */
#include "base/hex.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(hex, four_bytes_are_their_digits)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        const unsigned char bytes[] = {
            (unsigned char)byte, 0, (unsigned char)(byte ^ 0x5a), (unsigned char)~byte};
        uint64_t digits = hex_of_four(bytes);
        char text[8], expected[9];
        memcpy(text, &digits, sizeof text);
        snprintf(expected, sizeof expected, "%02x%02x%02x%02x", bytes[0], bytes[1],
                 bytes[2], bytes[3]);
        cr_assert(memcmp(text, expected, sizeof text) == 0, "%.8s, %s", text, expected);
    }
}

Test(hex, what_is_written_reads_back)
{
    for (int byte = 0; byte < 256; byte++) {
        const unsigned char bytes[] = {0, (unsigned char)byte};
        char text[5];
        hex_write(text, bytes, sizeof bytes);
        cr_assert_eq(hex_quad(text), byte, "%s", text);
        cr_assert_eq(text[4], '\0');
    }
}

Test(hex, other_characters_are_no_digits)
{
    for (int c = 0; c < 256; c++) {
        bool is_digit = c && strchr("0123456789abcdefABCDEF", c);
        cr_assert_eq(hex_digit((char)c) >= 0, is_digit, "%d", c);
    }
    cr_assert_eq(hex_quad("00g0"), -1);
}
