/* SPDX-License-Identifier: Apache-2.0 */
/* What json_text_skip (json_text.h) is made of, for its own files and their tests:
 *
 *     json_scan.c     from token to token, on every machine; chooses between the two
 *     json_blocks.c   64 bytes at a time, where the processor can (json_blocks.h)
 *
 * Both take the same texts and stop at the same byte; tests and a fuzzer hold them
 * against each other. The grammar is that of RFC 8259, with three limits of ours: UTF-8
 * must be valid, an escaped surrogate must have its partner, and no more than
 * JSON_TEXT_DEPTH_MAX containers may be open at once.
 *
 * Everywhere here a text is the bytes from a pointer up to, not including, `end`; none
 * beyond it is read, and no NUL is needed. A result is the place behind what was read;
 * NULL: it is not that, or `end` came first. Pure: no state, no memory; any thread. */
#pragma once

#include "base/json_text.h"

#include <stdbool.h>
#include <stdint.h>

/* The containers that are open around a place, one bit each, the innermost last: 64 bytes
 * on the stack however deep a hostile document nests. Starts as {.depth = 0}; to leave a
 * container is depth--. */
struct nesting {
    uint64_t is_object[JSON_TEXT_DEPTH_MAX / 64]; /* bits from `depth` on mean nothing */
    unsigned depth;                               /* 0: outside all */
};

/* nesting_push enters an object or an array. False: that is one too deep, and nothing has
 * changed. */
static inline bool nesting_push(struct nesting *nesting, bool is_object)
{
    if (nesting->depth == JSON_TEXT_DEPTH_MAX)
        return false;
    uint64_t bit = (uint64_t)1 << (nesting->depth % 64);
    uint64_t *word = &nesting->is_object[nesting->depth / 64];
    *word = is_object ? *word | bit : *word & ~bit;
    nesting->depth++;
    return true;
}

/* nesting_top_is_object: the innermost container is an object and not an array. The depth
 * must not be 0. */
static inline bool nesting_top_is_object(const struct nesting *nesting)
{
    unsigned top = nesting->depth - 1;
    return nesting->is_object[top / 64] >> (top % 64) & 1;
}

/* json_scan_steps reads one value, any, after optional white space; what follows it is
 * not looked at. */
const char *json_scan_steps(const char *text, const char *end);

/* json_scan_escape reads the rest of an escape, `at` being behind its backslash (and may
 * be `end`): one character, or u and four digits, or both halves of a surrogate pair. */
const char *json_scan_escape(const char *at, const char *end);

/* json_scan_scalar reads a number, true, false or null at `at`, which must lie before
 * `end`. The caller sees to it that a token ends there: of "truex" it reads "true". */
const char *json_scan_scalar(const char *at, const char *end);
