/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal digits, read and written. Pure. */
#pragma once

#include <stddef.h>

/* hex_digit returns the value of a digit of either case; -1 when it is none. */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 32);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* hex_quad returns the value of the four digits at `at`, all of them readable; -1 when
 * one is none. */
static inline int hex_quad(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* hex_write writes 2 × `len` lower-case digits and a NUL into `text`. */
static inline void hex_write(char *text, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}
