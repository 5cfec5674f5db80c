/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as text: what the reply writer needs and a JSON library does not do cheaply:
 * escaping, validating without building values, UTF-8, base64. Pure; any thread. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stddef.h>

/* Nesting at which json_text_skip and json_text_is_valid give up: deep enough for real
 * documents, shallow enough for every parser that will read our reply. */
enum { JSON_TEXT_DEPTH_MAX = 512 };

/* json_text_skip returns the byte behind the JSON value (RFC 8259) that starts at `text`
 * after optional white space, or NULL if there is no valid value before `end`. Checks the
 * whole grammar, UTF-8, escapes (lone surrogate escapes are refused: some parsers reject
 * the document) and depth. Never recursive. */
const char *json_text_skip(const char *text, const char *end);

/* json_text_is_valid: one valid value, white space around it, nothing else. A byte order
 * mark is not white space. */
bool json_text_is_valid(struct slice text);

/* json_text_plain_run returns the first byte from `at` on that a string does not hold as
 * it stands: quote, backslash, control character, or not ASCII; `end` if there is none.
 */
const char *json_text_plain_run(const char *at, const char *end);

/* json_text_append_string appends `text`, which must be valid UTF-8, as a JSON string
 * with its quotes: control characters, quote and backslash escaped; also U+2028, U+2029
 * and U+007F, so that the reply can be pasted into a script or a terminal. */
void json_text_append_string(struct buffer *out, struct slice text);

/* json_text_append_latin1 appends any bytes as a JSON string, each byte 0x80–0xff as the
 * character of that number: for header values that are not UTF-8. */
void json_text_append_latin1(struct buffer *out, struct slice bytes);

/* json_text_append_any appends UTF-8 as json_text_append_string does, and what is none as
 * json_text_append_latin1 does. */
void json_text_append_any(struct buffer *out, struct slice bytes);

/* json_text_append_base64 appends a JSON string holding the base64 (RFC 4648, padded). */
void json_text_append_base64(struct buffer *out, struct slice bytes);

/* base64_decode appends the decoded bytes; false if `text` is not padded base64 of the
 * standard alphabet (no white space), leaving `out` as it was, or if `out` is full. */
bool base64_decode(struct buffer *out, struct slice text) MUST_CHECK;
