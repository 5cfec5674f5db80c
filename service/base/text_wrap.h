/* SPDX-License-Identifier: Apache-2.0 */
/* Running text in lines for a reader. Pure. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

#include <stddef.h>

/* text_wrap appends the words of `text` in lines, each behind `prefix` and, where a
 * single word is not longer than that, none wider than `width` bytes. White space between
 * words does not matter. At least one newline is appended. */
void text_wrap(struct buffer *out, const char *prefix, struct slice text, size_t width);
