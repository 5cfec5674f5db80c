/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over JSON text without building values: the whole grammar of RFC 8259, UTF-8 and
 * escapes included. A loop with a stack of one bit a level (object or array), so hostile
 * nesting costs neither stack nor heap. */
#include "base/json_scan.h"

#include "base/attributes.h"
#include "base/hex.h"
#include "base/json_blocks.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

ALWAYS_INLINE const char *skip_space(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at <= ' ' &&
           (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* Behind the backslash; a high surrogate must be followed by a low one. */
const char *json_scan_escape(const char *at, const char *end)
{
    if (at == end)
        return NULL;
    if (*at != 'u')
        return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
    int unit = end - at >= 5 ? hex_quad(at + 1) : -1;
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return NULL;
    at += 5;
    if (unit < 0xd800 || unit > 0xdbff)
        return at;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return NULL;
    int low = hex_quad(at + 2);
    return low >= 0xdc00 && low <= 0xdfff ? at + 6 : NULL;
}

/* The first byte from `at` on that a string cannot simply hold: quote, backslash,
 * control, or not ASCII. */
ALWAYS_INLINE const char *plain_run(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (end - at >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* Signed compare: bytes from 0x80 on are below the space too. */
        __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(block, space),
            _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
        int mask = _mm_movemask_epi8(special);
        if (mask)
            return at + __builtin_ctz((unsigned)mask);
        at += 16;
    }
#endif
    while (at < end && *at != '"' && *at != '\\' && (signed char)*at >= ' ')
        at++;
    return at;
}

const char *json_text_plain_run(const char *at, const char *end)
{
    return plain_run(at, end);
}

/* At a byte that is neither plain nor a quote; returns the byte behind it, or NULL. */
static const char *skip_odd(const char *at, const char *end)
{
    if (*at == '\\')
        return json_scan_escape(at + 1, end);
    size_t step = utf8_sequence(at, (size_t)(end - at));
    return step > 1 ? at + step : NULL; /* of one byte: a control character */
}

/* At the opening quote; returns the byte behind the closing one. */
ALWAYS_INLINE const char *skip_string(const char *at, const char *end)
{
    if (at == end || *at != '"')
        return NULL;
    at++;
    for (;;) {
        at = plain_run(at, end);
        if (at == end)
            return NULL;
        if (*at == '"')
            return at + 1;
        at = skip_odd(at, end);
        if (!at)
            return NULL;
    }
}

static const char *skip_digits(const char *at, const char *end)
{
    const char *start = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at > start ? at : NULL;
}

static const char *skip_number(const char *at, const char *end)
{
    if (at < end && *at == '-')
        at++;
    if (at < end && *at == '0')
        at++;
    else
        at = skip_digits(at, end);
    if (at && at < end && *at == '.')
        at = skip_digits(at + 1, end);
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        at = skip_digits(at, end);
    }
    return at;
}

ALWAYS_INLINE const char *skip_word(const char *at, const char *end, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(end - at) < len || memcmp(at, word, len) != 0)
        return NULL;
    return at + len;
}

const char *json_scan_scalar(const char *at, const char *end)
{
    switch (*at) {
    case 't':
        return skip_word(at, end, "true");
    case 'f':
        return skip_word(at, end, "false");
    case 'n':
        return skip_word(at, end, "null");
    default:
        return skip_number(at, end);
    }
}

/* A member's name and its colon, up to where the value begins. */
ALWAYS_INLINE const char *skip_name(const char *at, const char *end)
{
    at = skip_string(at, end);
    if (!at)
        return NULL;
    at = skip_space(at, end);
    if (at == end || *at != ':')
        return NULL;
    return skip_space(at + 1, end);
}

/* Opens the container at `at`; *ret_closed: it was empty and is closed again. */
static const char *open_container(struct nesting *nesting, const char *at,
                                  const char *end, bool *ret_closed)
{
    bool is_object = *at == '{';
    if (!nesting_push(nesting, is_object))
        return NULL;
    at = skip_space(at + 1, end);
    if (at < end && *at == (is_object ? '}' : ']')) {
        nesting->depth--;
        *ret_closed = true;
        return at + 1;
    }
    *ret_closed = false;
    return is_object ? skip_name(at, end) : at;
}

/* Behind a value: closes containers until a comma leads to the next value. Returns where
 * that begins, or with depth 0 the end of the whole. */
ALWAYS_INLINE const char *after_value(struct nesting *nesting, const char *at,
                                      const char *end)
{
    while (nesting->depth > 0) {
        at = skip_space(at, end);
        if (at == end)
            return NULL;
        bool is_object = nesting_top_is_object(nesting);
        if (*at == ',') {
            at = skip_space(at + 1, end);
            return is_object ? skip_name(at, end) : at;
        }
        if (*at != (is_object ? '}' : ']'))
            return NULL;
        nesting->depth--;
        at++;
    }
    return at;
}

const char *json_scan_steps(const char *text, const char *end)
{
    struct nesting nesting = {.depth = 0};
    const char *at = skip_space(text, end);
    while (at && at < end) {
        if (*at == '{' || *at == '[') {
            bool closed;
            at = open_container(&nesting, at, end, &closed);
            if (!at)
                return NULL;
            if (!closed)
                continue;
        } else {
            at = *at == '"' ? skip_string(at, end) : json_scan_scalar(at, end);
            if (!at)
                return NULL;
        }
        at = after_value(&nesting, at, end);
        if (nesting.depth == 0)
            return at;
    }
    return NULL;
}

const char *json_text_skip(const char *text, const char *end)
{
    enum { WORTH_BLOCKS = 64 };
    text = skip_space(text, end);
    if (end - text >= WORTH_BLOCKS && (*text | 0x20) == '{' && json_blocks_can())
        return json_blocks_skip(text, end);
    return json_scan_steps(text, end);
}

bool json_text_is_valid(struct slice text)
{
    if (text.len == 0)
        return false; /* there may be no data to count from */
    const char *end = text.data + text.len;
    const char *at = json_text_skip(text.data, end);
    return at && skip_space(at, end) == end;
}
