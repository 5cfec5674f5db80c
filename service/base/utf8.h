/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: is it well-formed, and in steps for the scanners of json_text.h. Pure. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* utf8_is_valid: well-formed by Unicode table 3-7 (no overlong form, no surrogate). */
bool utf8_is_valid(struct slice text);

/* utf8_cut: at most `most` bytes of valid text, whole characters. */
struct slice utf8_cut(struct slice text, size_t most);

/* utf8_ascii_run returns how many bytes from `text` on are below 0x80. */
size_t utf8_ascii_run(const char *text, size_t len);

/* utf8_sequence returns the length (1–4) of the well-formed sequence at `text`, or 0. */
size_t utf8_sequence(const char *text, size_t len);
