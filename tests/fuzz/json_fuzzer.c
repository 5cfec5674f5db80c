/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON scanner and writer against jansson: both must take the same texts, and what
 * the writer writes must read back equal. */
#include "fuzzer.h"

#include "base/json_blocks.h"
#include "base/json_scan.h"
#include "base/json_text.h"

#include <jansson.h>
#include <string.h>

/* jansson goes deeper than the scanner, which refuses what others could not read. */
static bool may_be_too_deep(struct slice text)
{
    size_t opened = 0;
    for (size_t i = 0; i < text.len; i++)
        opened += text.data[i] == '[' || text.data[i] == '{';
    return opened > JSON_TEXT_DEPTH_MAX;
}

static void check_scanner(struct slice text)
{
    json_error_t error;
    bool ours = json_text_is_valid(text);
    /* A NUL behind a number is none of jansson's business; it is of ours. */
    if (memchr(text.data, 0, text.len)) {
        MUST_HOLD(!ours);
        return;
    }
    json_t *value =
        json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    bool is_limit = !value && json_error_code(&error) == json_error_numeric_overflow;
    if (!is_limit && !may_be_too_deep(text))
        MUST_HOLD(ours == (value != NULL));
    json_decref(value);
}

/* Both ways of the scanner take the same, however little there is of it. */
static void check_blocks(struct slice text)
{
    const char *end = text.data + text.len;
    bool is_container = text.len > 0 && (*text.data == '[' || *text.data == '{');
    if (is_container && json_blocks_can())
        MUST_HOLD(json_blocks_skip(text.data, end) == json_scan_steps(text.data, end));
}

static void check_writer(struct slice text)
{
    struct buffer out;
    json_error_t error;
    buffer_init(&out, 16 << 20);
    json_text_append_string(&out, text);
    json_t *value =
        json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    MUST_HOLD(value && json_string_length(value) == text.len);
    MUST_HOLD(memcmp(json_string_value(value), text.data, text.len) == 0);
    MUST_HOLD(json_text_is_valid(buffer_slice(&out)));
    json_decref(value);
    buffer_done(&out);
}

static void check_base64(struct slice bytes)
{
    struct buffer text, back;
    buffer_init(&text, 16 << 20);
    buffer_init(&back, 16 << 20);
    json_text_append_base64(&text, bytes);
    MUST_HOLD(base64_decode(&back, slice_make(text.data + 1, text.len - 2)));
    MUST_HOLD(slice_equal(buffer_slice(&back), bytes));
    buffer_done(&text);
    buffer_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    if (size == 0)
        return 0;
    check_scanner(text);
    check_blocks(text);
    if (utf8_is_valid(text))
        check_writer(text);
    check_base64(text);
    return 0;
}
