/* SPDX-License-Identifier: Apache-2.0 */
/* The scalars of the configuration: text to value and back. Pure. Strict: nothing is
 * guessed, and a refusal says what to write instead. Results are untouched on failure. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only: no sign, no leading zero, no "1e9", no "0x10". */
bool values_parse_number(struct slice text, uint64_t *ret_value,
                         struct error *err) MUST_CHECK;
/* A number with ms, s or m, nothing between; result in milliseconds. */
bool values_parse_duration(struct slice text, uint64_t *ret_ms,
                           struct error *err) MUST_CHECK;
/* A number with B, KiB, MiB or GiB, nothing between; result in bytes. */
bool values_parse_size(struct slice text, uint64_t *ret_bytes,
                       struct error *err) MUST_CHECK;
/* "0", "1" or "0." and one to six digits; result in millionths. */
bool values_parse_ratio(struct slice text, uint64_t *ret_millionths,
                        struct error *err) MUST_CHECK;
/* "on" or "off"; "true", "yes" and friends are refused with the word to write. */
bool values_parse_switch(struct slice text, bool *ret_value,
                         struct error *err) MUST_CHECK;
/* One of the words of `choices` ("json text"); result is its position from 0. */
bool values_parse_choice(struct slice text, const char *choices, uint64_t *ret_index,
                         struct error *err) MUST_CHECK;
/* 64 hex digits of either case; result is 32 bytes. */
bool values_parse_sha256(struct slice text, unsigned char *ret_bytes,
                         struct error *err) MUST_CHECK;

/* The inverse, in the largest unit that is exact: 90000 → "90s", 65536 → "64KiB". */
enum { VALUES_TEXT_MAX = 32 };
void values_format_duration(uint64_t ms, char text[VALUES_TEXT_MAX]);
void values_format_size(uint64_t bytes, char text[VALUES_TEXT_MAX]);

/* values_next_word cuts the next word off `*words` (separated by single blanks), or
 * returns false at the end. */
bool values_next_word(const char **words, struct slice *ret_word);
