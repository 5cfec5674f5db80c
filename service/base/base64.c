/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of RFC 4648, section 4: padded, the standard alphabet. Encoding goes by 12 bits
 * and a table of pairs (half the time of one character at a time). */
#include "base/json_text.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char pairs[4096][2];
static pthread_once_t pairs_once = PTHREAD_ONCE_INIT;

static void fill_pairs(void)
{
    for (unsigned i = 0; i < 4096; i++) {
        pairs[i][0] = alphabet[i >> 6];
        pairs[i][1] = alphabet[i & 63];
    }
}

static char *put_tail(char *to, const unsigned char *at, size_t left)
{
    if (left == 0)
        return to;
    unsigned bits = (unsigned)at[0] << 16 | (left > 1 ? (unsigned)at[1] << 8 : 0);
    *to++ = alphabet[bits >> 18];
    *to++ = alphabet[bits >> 12 & 63];
    *to++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
    *to++ = '=';
    return to;
}

void json_text_append_base64(struct buffer *out, struct slice bytes)
{
    pthread_once(&pairs_once, fill_pairs);
    char *start = buffer_reserve(out, (bytes.len + 2) / 3 * 4 + 2);
    if (!start)
        return;
    char *to = start;
    *to++ = '"';
    const unsigned char *at = (const unsigned char *)bytes.data;
    size_t left = bytes.len;
    for (; left >= 3; left -= 3, at += 3) {
        unsigned bits = (unsigned)at[0] << 16 | (unsigned)at[1] << 8 | at[2];
        memcpy(to, pairs[bits >> 12], 2);
        memcpy(to + 2, pairs[bits & 4095], 2);
        to += 4;
    }
    to = put_tail(to, at, left);
    *to++ = '"';
    buffer_commit(out, (size_t)(to - start));
}

static int value_of(char character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* Four characters, the last `padding` of them '='; -1 when they are not base64. */
static int decode_quad(const char *quad, size_t padding)
{
    int bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - padding ? value_of(quad[i]) : 0;
        if (value < 0)
            return -1;
        bits = bits << 6 | value;
    }
    /* Bits behind the last byte must be zero, or two texts would mean the same. */
    if (bits & ((1 << 8 * padding) - 1))
        return -1;
    return bits;
}

bool base64_decode(struct buffer *out, struct slice text)
{
    if (text.len % 4)
        return false;
    size_t before = out->len;
    for (size_t i = 0; i < text.len; i += 4) {
        const char *quad = text.data + i;
        bool is_last = i + 4 == text.len;
        size_t padding = !is_last || quad[3] != '=' ? 0 : quad[2] == '=' ? 2 : 1;
        int bits = decode_quad(quad, padding);
        char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        if (bits < 0 || !buffer_append(out, bytes, 3 - padding)) {
            out->len = before;
            return false;
        }
    }
    return true;
}
