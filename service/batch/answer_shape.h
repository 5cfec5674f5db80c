/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a reply an item wants to see: "select", "bodyMode", "responseHeaders". It
 * shapes what is written; expectations and references see the whole reply. Pure. */
#pragma once

#include "base/json_select.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SHAPE_POINTERS_MAX = JSON_SELECT_MAX,
    SHAPE_POINTER_BYTES_MAX = JSON_SELECT_NAME_MAX,
    SHAPE_HEADERS_MAX = 64,
    SHAPE_HEADER_NAME_MAX = 256,
};

enum body_mode {
    BODY_MODE_NOT_GIVEN,
    BODY_MODE_FULL,
    BODY_MODE_NONE,
    BODY_MODE_SHA256,
    BODY_MODE_FIRST_BYTES,
};

struct answer_shape {
    const struct slice *pointers; /* to keep of a JSON body, as they were written */
    const struct json_path *paths;
    size_t pointer_count; /* 0: not given */
    enum body_mode body_mode;
    uint64_t first_bytes;             /* with BODY_MODE_FIRST_BYTES */
    const struct slice *header_names; /* to keep */
    size_t header_count;
    bool has_headers; /* header_names are given, if only as an empty list */
};

/* answer_shape_merge takes what `own` leaves open from `defaults`. A selection and a body
 * mode are two answers to one question: having one of its own, it takes neither. */
void answer_shape_merge(struct answer_shape *own, const struct answer_shape *defaults);

/* answer_shape_is_contradictory: a selection from a body that is not to be shown. */
bool answer_shape_is_contradictory(const struct answer_shape *shape);

/* answer_shape_has_body: the body is written in a way of its own. */
bool answer_shape_has_body(const struct answer_shape *shape);

/* answer_shape_body_bytes: how much of a body of `len` bytes is written at most. */
size_t answer_shape_body_bytes(const struct answer_shape *shape, size_t len);

/* answer_shape_keeps: is the header `name` (in lower case) one of those to keep? */
bool answer_shape_keeps(const struct answer_shape *shape, struct slice name);

/* answer_shape_cut returns the first `most` bytes of `body`, and whether they are text:
 * then they may be up to three bytes fewer, so that no character is cut in two. */
struct slice answer_shape_cut(struct slice body, uint64_t most, bool *ret_is_text);
