/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 validation: ASCII 16 bytes at a time where SSE2 is there (every x86-64), the rest
 * by the well-formedness table (Unicode 3.9, table 3-7). */
#include "base/utf8.h"

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

size_t utf8_ascii_run(const char *text, size_t len)
{
    size_t at = 0;
#ifdef __SSE2__
    while (len - at >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        int high = _mm_movemask_epi8(block);
        if (high)
            return at + (size_t)__builtin_ctz((unsigned)high);
        at += 16;
    }
#endif
    while (at < len && !((unsigned char)text[at] & 0x80))
        at++;
    return at;
}

static bool is_tail(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t utf8_sequence(const char *text, size_t len)
{
    const unsigned char *b = (const unsigned char *)text;
    if (len >= 1 && b[0] < 0x80)
        return 1;
    if (len >= 2 && b[0] >= 0xc2 && b[0] <= 0xdf)
        return is_tail(b[1]) ? 2 : 0;
    if (len >= 3 && (b[0] & 0xf0) == 0xe0) {
        unsigned char low = b[0] == 0xe0 ? 0xa0 : 0x80;
        unsigned char high = b[0] == 0xed ? 0x9f : 0xbf;
        return b[1] >= low && b[1] <= high && is_tail(b[2]) ? 3 : 0;
    }
    if (len >= 4 && b[0] >= 0xf0 && b[0] <= 0xf4) {
        unsigned char low = b[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char high = b[0] == 0xf4 ? 0x8f : 0xbf;
        return b[1] >= low && b[1] <= high && is_tail(b[2]) && is_tail(b[3]) ? 4 : 0;
    }
    return 0;
}

bool utf8_is_valid(struct slice text)
{
    size_t at = 0;
    while (at < text.len) {
        at += utf8_ascii_run(text.data + at, text.len - at);
        if (at == text.len)
            return true;
        size_t step = utf8_sequence(text.data + at, text.len - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

struct slice utf8_cut(struct slice text, size_t most)
{
    if (text.len <= most)
        return text;
    text.len = most;
    while (text.len > 0 && is_tail((unsigned char)text.data[text.len]))
        text.len--;
    return text;
}
