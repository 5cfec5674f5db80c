/* SPDX-License-Identifier: Apache-2.0 */
/* Outcome → JSON. Pure: bytes in, bytes out. The members of openapi.yaml's Response,
 * valid UTF-8 JSON whatever the upstream sent; written by hand, because building them
 * with a JSON library costs as much as fetching (20 µs an item). */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "fetch/call.h"

struct answer_shape;

/* How a response is wished for. */
struct render_wish {
    unsigned include; /* INCLUDE_… bits of batch.h */
    double start_ms;  /* when the item was handed to the fetcher, since the batch began */
    const struct answer_shape *shape; /* NULL: the whole reply */
    struct slice members; /* more of the response: ,"name":value…; data NULL: none */
};

/* render_response appends the response object of the item `id` to `out`; out->failed
 * tells that it did not fit or that memory ran out. */
void render_response(struct buffer *out, struct slice id, const struct outcome *outcome,
                     const struct render_wish *wish);

/* render_attempts appends ,"attempts":[…]. render_ms: milliseconds with one to three
 * decimals; what is no duration is -1. */
void render_attempts(struct buffer *out, const struct attempt_record *attempts,
                     size_t count);
void render_ms(struct buffer *out, double ms);

/* render_is_json: is this content-type one of JSON? */
bool render_is_json(struct slice content_type);

/* render_summary appends the value of "summary". */
struct gather_summary;
void render_summary(struct buffer *out, const struct gather_summary *summary);
