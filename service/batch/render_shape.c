/* SPDX-License-Identifier: Apache-2.0 */
/* Small answers. A selection is an object of the pointers as they were asked for, each
 * with its value as it stands in the body; those that lead nowhere are left out. Called
 * by render_response. */
#include "batch/render_shape.h"

#include "base/hex.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "batch/render_headers.h"

#include <stdlib.h>

enum { FEW_LINES = 32 };

static void append(struct buffer *out, const char *text)
{
    buffer_append_text(out, text);
}

void render_shaped_headers(struct buffer *out, const struct outcome *outcome,
                           const struct answer_shape *shape)
{
    struct call_header few[FEW_LINES] = {{.name = {NULL, 0}}};
    struct call_header *kept = few;
    size_t count = 0;
    if (outcome->header_count > FEW_LINES)
        kept = memory_try_array(outcome->header_count, sizeof *kept);
    if (!kept) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < outcome->header_count; i++) {
        if (answer_shape_keeps(shape, outcome->headers[i].name))
            kept[count++] = outcome->headers[i];
    }
    render_headers(out, kept, count);
    if (kept != few)
        free(kept);
}

/* By what it is, not by what it calls itself: who selects knows that it is JSON. */
static void append_selection(struct buffer *out, struct slice body,
                             const struct answer_shape *shape)
{
    struct slice values[SHAPE_POINTERS_MAX];
    bool is_first = true;
    if (!json_text_is_valid(body)) {
        append(out, ",\"bodySelected\":false");
        return;
    }
    json_select(body, shape->paths, shape->pointer_count, values);
    append(out, ",\"body\":{");
    for (size_t i = 0; i < shape->pointer_count; i++) {
        if (!values[i].data)
            continue;
        if (!is_first)
            buffer_append_byte(out, ',');
        is_first = false;
        json_text_append_string(out, shape->pointers[i]);
        buffer_append_byte(out, ':');
        buffer_append(out, values[i].data, values[i].len);
    }
    append(out, "},\"bodyEncoding\":\"json\",\"bodySelected\":true");
}

static void append_bytes(struct buffer *out, struct slice body)
{
    append(out, ",\"bodyBytes\":");
    buffer_append_uint(out, body.len);
}

static void append_digest(struct buffer *out, struct slice body)
{
    unsigned char digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    if (!sha256(body, digest)) {
        out->failed = true;
        return;
    }
    hex_write(text, digest, sizeof digest);
    append(out, ",\"bodySha256\":\"");
    append(out, text);
    buffer_append_byte(out, '"');
}

static void append_first(struct buffer *out, struct slice body, uint64_t most)
{
    bool is_text;
    struct slice first = answer_shape_cut(body, most, &is_text);
    append(out, ",\"body\":");
    if (is_text)
        json_text_append_string(out, first);
    else
        json_text_append_base64(out, first);
    append(out, is_text ? ",\"bodyEncoding\":\"text\"" : ",\"bodyEncoding\":\"base64\"");
    append_bytes(out, body);
    if (first.len < body.len)
        append(out, ",\"bodyTruncated\":true");
}

void render_shaped_body(struct buffer *out, const struct outcome *outcome,
                        const struct answer_shape *shape)
{
    struct slice body = outcome->has_body ? outcome->body : slice_make(NULL, 0);
    if (shape->pointer_count > 0) {
        append_selection(out, body, shape);
    } else if (shape->body_mode == BODY_MODE_FIRST_BYTES && body.len > 0) {
        append_first(out, body, shape->first_bytes);
    } else {
        append_bytes(out, body);
        if (shape->body_mode == BODY_MODE_SHA256)
            append_digest(out, body);
    }
}
