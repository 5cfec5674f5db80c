/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as a person reads them in a terminal. Pure. */
#pragma once

#include "base/buffer.h"
#include "fetch/call_code.h"

#include <stdint.h>

/* run_text_count: 1234567 → "1,234,567". run_text_span: "0.4s", "12s", "3:05", "1:02:03".
 * run_text_bytes: "512 B", "1.2 KiB". run_text_ms: "1.2 ms", "345 ms", "1.23 s". */
enum { RUN_TEXT_MAX = 32 };
void run_text_count(uint64_t count, char text[RUN_TEXT_MAX]);
void run_text_span(double ms, char text[RUN_TEXT_MAX]);
void run_text_bytes(uint64_t bytes, char text[RUN_TEXT_MAX]);
void run_text_ms(double ms, char text[RUN_TEXT_MAX]);

enum run_colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_NOTE, COLOUR_BAD, COLOUR_FAINT };

/* run_text_colour: what of an item's end: good, worth a look (3xx, 4xx), bad. */
enum run_colour run_text_colour(enum call_code code, int status);

/* run_text_begin and run_text_end stand around coloured text; nothing where `is_on` is
 * false. */
void run_text_begin(struct buffer *out, enum run_colour colour, bool is_on);
void run_text_end(struct buffer *out, enum run_colour colour, bool is_on);
