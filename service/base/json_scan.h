/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways of json_text_skip, for its own files and tests: both accept the same
 * texts. Pure. */
#pragma once

#include "base/json_text.h"

#include <stdbool.h>
#include <stdint.h>

/* The containers open around a place, one bit a level: hostile nesting costs neither
 * stack nor heap. */
struct nesting {
    uint64_t is_object[JSON_TEXT_DEPTH_MAX / 64];
    unsigned depth;
};

/* nesting_push: false: it would be too deep. */
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

/* nesting_top_is_object: the depth is not 0. */
static inline bool nesting_top_is_object(const struct nesting *nesting)
{
    unsigned top = nesting->depth - 1;
    return nesting->is_object[top / 64] >> (top % 64) & 1;
}

/* json_scan_steps goes from token to token, on every machine. */
const char *json_scan_steps(const char *text, const char *end);

/* json_scan_blocks takes 64 bytes at a time; only where json_scan_has_blocks, and only
 * for a text that begins with a bracket. */
bool json_scan_has_blocks(void);
const char *json_scan_blocks(const char *text, const char *end);

/* json_scan_escape: from behind a backslash to behind its escape; json_scan_scalar: over
 * a number, true, false or null (what follows is not looked at); NULL: it is none. */
const char *json_scan_escape(const char *at, const char *end);
const char *json_scan_scalar(const char *at, const char *end);
