/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal digits, read and written. Pure. */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* hex_of_four returns the eight lower-case digits of four bytes, as they lie in memory:
 * each half byte gets a byte of its own, and one above 9 the way from '9' to 'a'. */
static inline uint64_t hex_of_four(const unsigned char *bytes)
{
    uint32_t four;
    memcpy(&four, bytes, sizeof four);
    uint64_t halves = le32toh(four);
    halves = (halves | halves << 16) & 0x0000ffff0000ffff;
    halves = (halves | halves << 8) & 0x00ff00ff00ff00ff;
    halves = (halves >> 4 & 0x000f000f000f000f) | (halves << 8 & 0x0f000f000f000f00);
    uint64_t is_letter = (halves + 0x0606060606060606) >> 4 & 0x0101010101010101;
    return htole64(halves + 0x3030303030303030 + is_letter * ('a' - '9' - 1));
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
