/* SPDX-License-Identifier: Apache-2.0 */
/* Checks JSON 64 bytes at a time, one bit a byte, with AVX2 where the processor has it:
 * half the time of going from token to token, whose branches are hard to foresee.
 *
 * First each byte's kind: quotes that count tell what is inside strings; outside there
 * are brackets, commas, colons, blanks, and bytes of scalars. Then the grammar, as what
 * may follow what (blanks left out):
 *
 *     a comma               a value
 *     a closing bracket     a value, or an opening bracket
 *     a value, a name       a comma, a colon or an opening bracket
 *     a name                each comma in an object, and each brace that is not closed
 *     a colon               each name, and nothing else
 *
 * Only brackets, scalars, escapes and what is not ASCII are gone through one by one.
 * Called by json_text_skip. */
#include "base/json_blocks.h"

#include "base/attributes.h"
#include "base/json_scan.h"
#include "base/utf8.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <string.h>

#define WITH_AVX2 __attribute__((target("avx2,pclmul,bmi")))

enum { BLOCK = 64 };

/* One bit for each byte of a block: what counts in strings, and what outside them. */
struct text_kinds {
    uint64_t quote, backslash, control, high;
};
struct token_kinds {
    uint64_t open, close, comma, colon, space;
};

/* What goes over from one block to the next: bit 0 of these belongs to its first byte. */
struct scan {
    const char *end;
    struct nesting nesting;
    bool in_object;     /* the innermost container is one */
    uint64_t in_string; /* all bits, or none */
    uint64_t escaped, scalar, name;
    uint64_t after_value, after_open, after_separator, after_member, after_name;
    const char *escape_end; /* escapes before it were looked at with their partner */
    const char *utf8_end;   /* … and so were these bytes */
};

/* What the brackets of a block tell. */
struct containers {
    uint64_t in_object;
    uint64_t braces;    /* that open */
    uint64_t until;     /* the bytes up to the end of the whole value */
    const char *closed; /* behind it; NULL: it goes on */
};

WITH_AVX2 static inline uint64_t mask_of(__m256i first, __m256i second)
{
    return (uint32_t)_mm256_movemask_epi8(first) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(second) << 32;
}

WITH_AVX2 static inline uint64_t equal(__m256i first, __m256i second, char byte)
{
    __m256i wanted = _mm256_set1_epi8(byte);
    return mask_of(_mm256_cmpeq_epi8(first, wanted), _mm256_cmpeq_epi8(second, wanted));
}

/* The four blanks, each found under its low four bits. */
WITH_AVX2 static inline __m256i blanks(__m256i bytes)
{
    const __m256i table =
        _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0, ' ',
                         0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    return _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, bytes), bytes);
}

WITH_AVX2 static inline struct text_kinds text_kinds_of(__m256i first, __m256i second)
{
    __m256i last_control = _mm256_set1_epi8(0x1f);
    return (struct text_kinds){
        .quote = equal(first, second, '"'),
        .backslash = equal(first, second, '\\'),
        .control =
            mask_of(_mm256_cmpeq_epi8(_mm256_min_epu8(first, last_control), first),
                    _mm256_cmpeq_epi8(_mm256_min_epu8(second, last_control), second)),
        .high = mask_of(first, second),
    };
}

WITH_AVX2 static inline struct token_kinds token_kinds_of(__m256i first, __m256i second)
{
    __m256i case_bit = _mm256_set1_epi8(0x20); /* all that [ differs from { by */
    __m256i first_lower = _mm256_or_si256(first, case_bit);
    __m256i second_lower = _mm256_or_si256(second, case_bit);
    return (struct token_kinds){
        .open = equal(first_lower, second_lower, '{'),
        .close = equal(first_lower, second_lower, '}'),
        .comma = equal(first, second, ','),
        .colon = equal(first, second, ':'),
        .space = mask_of(blanks(first), blanks(second)),
    };
}

/* Each bit becomes the parity of itself and all before it. */
WITH_AVX2 static inline uint64_t parity_of(uint64_t bits)
{
    __m128i ones = _mm_set1_epi8((char)0xff);
    return (uint64_t)_mm_cvtsi128_si64(
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), ones, 0));
}

/* The first byte behind each of `tokens` that is no blank. A run of blanks that begins
 * there is stepped over by adding: the carry comes out behind it. */
ALWAYS_INLINE uint64_t behind(uint64_t tokens, uint64_t space, uint64_t *carry)
{
    uint64_t next = tokens << 1 | *carry;
    *carry = tokens >> 63;
    if (!space)
        return next;
    uint64_t sum;
    *carry |= __builtin_add_overflow(space, next & space, &sum);
    return (next | sum) & ~space;
}

/* The backslashes that begin an escape; what they escape is added to *escaped. */
static uint64_t find_escapes(struct scan *scan, uint64_t backslash, uint64_t *escaped)
{
    uint64_t starts = 0;
    *escaped = scan->escaped;
    scan->escaped = 0;
    for (; backslash; backslash &= backslash - 1) {
        uint64_t bit = backslash & -backslash;
        if (*escaped & bit)
            continue;
        starts |= bit;
        *escaped |= bit << 1;
        scan->escaped = bit >> 63;
    }
    return starts;
}

static bool check_escapes(struct scan *scan, const char *at, uint64_t starts)
{
    for (; starts; starts &= starts - 1) {
        const char *start = at + __builtin_ctzll(starts);
        if (start < scan->escape_end)
            continue;
        scan->escape_end = json_scan_escape(start + 1, scan->end);
        if (!scan->escape_end)
            return false;
    }
    return true;
}

static bool check_utf8(struct scan *scan, const char *at, uint64_t high)
{
    while (high) {
        const char *start = at + __builtin_ctzll(high);
        high &= high - 1;
        if (start < scan->utf8_end)
            continue;
        size_t step = utf8_sequence(start, (size_t)(scan->end - start));
        if (step < 2)
            return false;
        scan->utf8_end = start + step;
    }
    return true;
}

static bool may_follow_scalar(char byte)
{
    return byte == ',' || byte == ']' || byte == '}' || byte == ' ' || byte == '\n' ||
           byte == '\r' || byte == '\t';
}

/* Most are whole numbers; at the end of the text nothing is right. */
ALWAYS_INLINE const char *skip_whole_number(const char *at, const char *end)
{
    if (*at == '0')
        return at;
    while (at < end && (unsigned char)(*at - '0') <= 9)
        at++;
    return at;
}

/* Behind a scalar may stand what follows a value; were it a quote, a colon or an opening
 * bracket, that would have been judged already. */
static bool check_scalars(const struct scan *scan, const char *at, uint64_t starts)
{
    for (; starts; starts &= starts - 1) {
        const char *start = at + __builtin_ctzll(starts);
        const char *rest = skip_whole_number(start, scan->end);
        if (rest > start && rest < scan->end && may_follow_scalar(*rest))
            continue;
        rest = json_scan_scalar(start, scan->end);
        if (!rest || rest == scan->end || !may_follow_scalar(*rest))
            return false;
    }
    return true;
}

/* False: too deep, or a bracket closes what another opened. */
WITH_AVX2 static bool walk_brackets(struct scan *scan, const char *at, uint64_t open,
                                    uint64_t close, struct containers *ret)
{
    uint64_t turns = scan->in_object; /* where objects begin or end */
    *ret = (struct containers){.until = UINT64_MAX};
    for (uint64_t rest = open | close; rest; rest &= rest - 1) {
        unsigned i = (unsigned)__builtin_ctzll(rest);
        bool is_brace = (at[i] | 0x20) == at[i]; /* { or } */
        bool was_in_object = scan->in_object;
        if (open >> i & 1) {
            if (!nesting_push(&scan->nesting, is_brace))
                return false;
            scan->in_object = is_brace;
            ret->braces |= (uint64_t)is_brace << i;
        } else {
            if (is_brace != scan->in_object)
                return false;
            if (--scan->nesting.depth == 0) {
                ret->until >>= 63 - i;
                ret->closed = at + i + 1;
                break;
            }
            scan->in_object = nesting_top_is_object(&scan->nesting);
        }
        turns ^= (uint64_t)(was_in_object != scan->in_object) << i;
    }
    ret->in_object = parity_of(turns);
    return true;
}

/* False: it is no JSON. *ret_closed: where the value ended; NULL: it goes on. */
WITH_AVX2 static inline bool check_block(struct scan *scan, const char *at,
                                         const char *block, const char **ret_closed)
{
    __m256i first = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i second = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
    const struct text_kinds text = text_kinds_of(first, second);
    *ret_closed = NULL;
    if (scan->in_string && !(text.quote | text.backslash | text.control | scan->escaped))
        return check_utf8(scan, at, text.high);
    const struct token_kinds token = token_kinds_of(first, second);
    struct containers in;
    uint64_t escaped;
    uint64_t escapes = find_escapes(scan, text.backslash, &escaped);
    uint64_t quote = text.quote & ~escaped;
    /* From each opening quote up to before the closing one. */
    uint64_t string = parity_of(quote) ^ scan->in_string;
    scan->in_string = string >> 63 ? UINT64_MAX : 0;
    uint64_t begin = quote & string;
    uint64_t finish = quote & ~string;
    uint64_t outside = ~(string | quote);
    uint64_t open = token.open & outside;
    uint64_t close = token.close & outside;
    uint64_t comma = token.comma & outside;
    uint64_t colon = token.colon & outside;
    uint64_t space = token.space & outside;
    uint64_t scalar = outside & ~(open | close | comma | colon | space);
    uint64_t scalar_start = scalar & ~(scalar << 1 | scan->scalar);
    scan->scalar = scalar >> 63;
    if (!walk_brackets(scan, at, open, close, &in))
        return false;

    uint64_t after_value = behind(finish | scalar | close, space, &scan->after_value);
    uint64_t after_open = behind(open, space, &scan->after_open);
    uint64_t after_separator = behind(comma | colon, space, &scan->after_separator);
    uint64_t after_member =
        behind((comma & in.in_object) | in.braces, space, &scan->after_member);
    uint64_t ends;
    scan->name =
        __builtin_add_overflow(string, (begin & after_member) | scan->name, &ends);
    uint64_t after_name = behind(ends & finish, space, &scan->after_name);
    uint64_t wrong = (comma & ~after_value) | (close & ~(after_value | after_open)) |
                     ((begin | scalar_start | open) & ~(after_separator | after_open)) |
                     (after_member & ~(begin | close)) | (colon ^ after_name) |
                     (text.control & string);
    *ret_closed = in.closed;
    return !(wrong & in.until) && check_scalars(scan, at, scalar_start & in.until) &&
           check_escapes(scan, at, escapes & string & in.until) &&
           check_utf8(scan, at, text.high & string & in.until);
}

bool json_blocks_can(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
           __builtin_cpu_supports("bmi");
}

WITH_AVX2 const char *json_blocks_skip(const char *text, const char *end)
{
    struct scan scan = {
        .end = end,
        .after_separator = 1, /* as if one stood before the first byte */
        .escape_end = text,
        .utf8_end = text,
    };
    for (const char *at = text; at < end; at += BLOCK) {
        char rest[BLOCK];
        const char *block = at;
        const char *closed;
        if (end - at < BLOCK) { /* the last one, with blanks behind */
            memset(rest, ' ', sizeof rest);
            memcpy(rest, at, (size_t)(end - at));
            block = rest;
        }
        if (!check_block(&scan, at, block, &closed))
            return NULL;
        if (closed)
            return closed;
    }
    return NULL;
}

#else

bool json_blocks_can(void)
{
    return false;
}

const char *json_blocks_skip(const char *text, const char *end)
{
    return json_scan_steps(text, end);
}
#endif
