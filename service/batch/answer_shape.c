/* SPDX-License-Identifier: Apache-2.0 */
/* The decisions of answer_shape.h. Called by the parser and by render_shape. */
#include "batch/answer_shape.h"

#include "base/utf8.h"

#include <strings.h>

void answer_shape_merge(struct answer_shape *own, const struct answer_shape *defaults)
{
    if (own->pointer_count == 0 && own->body_mode == BODY_MODE_NOT_GIVEN) {
        own->pointers = defaults->pointers;
        own->paths = defaults->paths;
        own->pointer_count = defaults->pointer_count;
        own->body_mode = defaults->body_mode;
        own->first_bytes = defaults->first_bytes;
    }
    if (!own->has_headers) {
        own->header_names = defaults->header_names;
        own->header_count = defaults->header_count;
        own->has_headers = defaults->has_headers;
    }
}

bool answer_shape_is_contradictory(const struct answer_shape *shape)
{
    return shape->pointer_count > 0 && shape->body_mode > BODY_MODE_FULL;
}

bool answer_shape_has_body(const struct answer_shape *shape)
{
    return shape->pointer_count > 0 || shape->body_mode > BODY_MODE_FULL;
}

size_t answer_shape_body_bytes(const struct answer_shape *shape, size_t len)
{
    if (shape->body_mode == BODY_MODE_NONE || shape->body_mode == BODY_MODE_SHA256)
        return 0;
    bool is_cut = shape->body_mode == BODY_MODE_FIRST_BYTES && shape->first_bytes < len;
    return is_cut ? (size_t)shape->first_bytes : len;
}

bool answer_shape_keeps(const struct answer_shape *shape, struct slice name)
{
    for (size_t i = 0; i < shape->header_count; i++) {
        if (slice_equal_ignoring_case(shape->header_names[i], name))
            return true;
    }
    return false;
}

struct slice answer_shape_cut(struct slice body, uint64_t most, bool *ret_is_text)
{
    struct slice bytes = body;
    if (most < bytes.len)
        bytes.len = (size_t)most;
    struct slice text = bytes;
    if (text.len < body.len) {
        while (text.len > 0 && bytes.len - text.len < 4 &&
               ((unsigned char)body.data[text.len] & 0xc0) == 0x80)
            text.len--;
        /* What the cut leaves out has to be a character, not the end of something else.
         */
        if (text.len < bytes.len &&
            text.len + utf8_sequence(body.data + text.len, body.len - text.len) <=
                bytes.len)
            text = bytes;
    }
    *ret_is_text = utf8_is_valid(text);
    return *ret_is_text ? text : bytes;
}
