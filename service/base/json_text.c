/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON strings. Two passes: count what escaping adds, then write into exactly
 * that much room. Where SSE2 is there, 16 bytes at a time, and a block with something to
 * escape is finished from its mask: restarting the vector at every quote costs as much as
 * a byte table (1.2 ms a MB of JSON text instead of 0.2). */
#include "base/json_text.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* text: what the byte becomes, in 8 bytes to be copied whole; len 0: itself. */
struct escape {
    char text[7];
    uint8_t len;
};

#define U(hex) {"\\u00" hex, 6}
static const struct escape escapes[128] = {
    [0x00] = U("00"),    [0x01] = U("01"),     [0x02] = U("02"),    [0x03] = U("03"),
    [0x04] = U("04"),    [0x05] = U("05"),     [0x06] = U("06"),    [0x07] = U("07"),
    [0x08] = {"\\b", 2}, [0x09] = {"\\t", 2},  [0x0a] = {"\\n", 2}, [0x0b] = U("0b"),
    [0x0c] = {"\\f", 2}, [0x0d] = {"\\r", 2},  [0x0e] = U("0e"),    [0x0f] = U("0f"),
    [0x10] = U("10"),    [0x11] = U("11"),     [0x12] = U("12"),    [0x13] = U("13"),
    [0x14] = U("14"),    [0x15] = U("15"),     [0x16] = U("16"),    [0x17] = U("17"),
    [0x18] = U("18"),    [0x19] = U("19"),     [0x1a] = U("1a"),    [0x1b] = U("1b"),
    [0x1c] = U("1c"),    [0x1d] = U("1d"),     [0x1e] = U("1e"),    [0x1f] = U("1f"),
    ['"'] = {"\\\"", 2}, ['\\'] = {"\\\\", 2}, [0x7f] = U("7f"),
};
#undef U

/* U+2028 and U+2029 are E2 80 A8 and E2 80 A9. */
static bool is_line_separator(const char *at, const char *end)
{
    return end - at >= 3 && (unsigned char)at[0] == 0xe2 &&
           (unsigned char)at[1] == 0x80 &&
           ((unsigned char)at[2] == 0xa8 || (unsigned char)at[2] == 0xa9);
}

/* Writes what stands at *at, moves *at behind it. At most 8 bytes are touched. */
static char *put_one(char *out, const char **at, const char *end)
{
    unsigned char byte = (unsigned char)**at;
    if (byte < 0x80) {
        const struct escape *escape = &escapes[byte];
        ++*at;
        if (!escape->len) {
            *out = (char)byte;
            return out + 1;
        }
        memcpy(out, escape, sizeof *escape);
        return out + escape->len;
    }
    if (is_line_separator(*at, end)) {
        memcpy(out, (unsigned char)(*at)[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
        *at += 3;
        return out + 6;
    }
    *out = *(*at)++;
    return out + 1;
}

#ifdef __SSE2__
/* One bit for each of 16 bytes that may need an escape: below 0x20, quote, backslash,
 * DEL, or 0xe2, which may begin a line separator. */
static unsigned special_mask(const char *at)
{
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    __m128i special = _mm_or_si128(
        _mm_or_si128(control, _mm_cmpeq_epi8(block, _mm_set1_epi8('"'))),
        _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('\\')),
                     _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)),
                                  _mm_cmpeq_epi8(block, _mm_set1_epi8((char)0xe2)))));
    return (unsigned)_mm_movemask_epi8(special);
}

/* One block with something in `mask`. Runs between the specials are copied 16 bytes at a
 * time, too much on purpose: both sides have 32 bytes of room behind. */
static char *put_block(char *out, const char **at, const char *end, unsigned mask)
{
    const char *block = *at;
    const char *from = block;
    while (mask) {
        const char *special = block + __builtin_ctz(mask);
        mask &= mask - 1;
        if (special < from) /* inside a separator already written */
            continue;
        memcpy(out, from, 16);
        out += special - from;
        from = special;
        out = put_one(out, &from, end);
    }
    if (from < block + 16) {
        memcpy(out, from, 16);
        out += block + 16 - from;
        from = block + 16;
    }
    *at = from;
    return out;
}
#endif

/* How many bytes escaping what stands at `at` adds. */
static size_t extra_at(const char *at, const char *end)
{
    unsigned char byte = (unsigned char)*at;
    if (byte >= 0x80)
        return is_line_separator(at, end) ? 3 : 0;
    return escapes[byte].len ? escapes[byte].len - 1u : 0;
}

static size_t count_extra(const char *at, const char *end)
{
    size_t extra = 0;
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        for (unsigned mask = special_mask(at); mask; mask &= mask - 1)
            extra += extra_at(at + __builtin_ctz(mask), end);
    }
#endif
    for (; at < end; at++)
        extra += extra_at(at, end);
    return extra;
}

enum { SLACK = 32 }; /* put_one and put_block touch that much behind the end */

#ifdef __SSE2__
/* Is one of 16 bytes to be escaped, or not ASCII? */
static bool has_odd(__m128i block)
{
    /* Signed compare: bytes from 0x80 on are below the space too. */
    __m128i odd = _mm_or_si128(_mm_cmplt_epi8(block, _mm_set1_epi8(' ')),
                               _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
    return _mm_movemask_epi8(odd) != 0;
}

static __m128i load_16(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static __m128i load_8(const char *at)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)at);
}
#endif

/* ASCII without anything to escape, as most names and values are. Ends that are no whole
 * block overlap with what was looked at. */
static bool is_plain(const char *at, size_t len)
{
#ifdef __SSE2__
    if (len >= 16) {
        const char *last = at + len - 16;
        for (; at < last; at += 16) {
            if (has_odd(load_16(at)))
                return false;
        }
        return !has_odd(load_16(last));
    }
    if (len >= 8)
        return !has_odd(_mm_unpacklo_epi64(load_8(at), load_8(at + len - 8)));
#endif
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)at[i];
        if (byte >= 0x80 || escapes[byte].len)
            return false;
    }
    return true;
}

static void append_plain(struct buffer *out, struct slice text)
{
    char *to = buffer_reserve(out, text.len + 2);
    if (!to)
        return;
    *to++ = '"';
    if (text.len)
        memcpy(to, text.data, text.len);
    to[text.len] = '"';
    buffer_commit(out, text.len + 2);
}

void json_text_append_any(struct buffer *out, struct slice bytes)
{
    if (is_plain(bytes.data, bytes.len))
        append_plain(out, bytes);
    else if (utf8_is_valid(bytes))
        json_text_append_string(out, bytes);
    else
        json_text_append_latin1(out, bytes);
}

void json_text_append_string(struct buffer *out, struct slice text)
{
    if (is_plain(text.data, text.len)) {
        append_plain(out, text);
        return;
    }
    const char *at = text.data;
    const char *end = text.len ? at + text.len : at;
    size_t extra = count_extra(at, end);
    char *start = buffer_reserve(out, text.len + extra + 2 + SLACK);
    if (!start)
        return;
    char *to = start;
    *to++ = '"';
#ifdef __SSE2__
    while (end - at >= SLACK) {
        unsigned mask = special_mask(at);
        if (mask) {
            to = put_block(to, &at, end, mask);
        } else {
            memcpy(to, at, 16);
            to += 16;
            at += 16;
        }
    }
#endif
    while (at < end)
        to = put_one(to, &at, end);
    *to++ = '"';
    buffer_commit(out, (size_t)(to - start));
}

void json_text_append_latin1(struct buffer *out, struct slice bytes)
{
    char *start = buffer_reserve(out, 6 * bytes.len + 2 + SLACK);
    if (!start)
        return;
    char *to = start;
    *to++ = '"';
    const char *end = bytes.len ? bytes.data + bytes.len : bytes.data;
    for (const char *at = bytes.data; at < end;) {
        unsigned char byte = (unsigned char)*at;
        if (byte < 0x80) {
            to = put_one(to, &at, end);
            continue;
        }
        *to++ = (char)(0xc0 | byte >> 6);
        *to++ = (char)(0x80 | (byte & 0x3f));
        at++;
    }
    *to++ = '"';
    buffer_commit(out, (size_t)(to - start));
}
