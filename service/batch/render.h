/* SPDX-License-Identifier: Apache-2.0 */
/* Outcome → JSON fragment. Pure: bytes in, bytes out. The fragments of API.md's responses
 * array, valid UTF-8 JSON whatever the upstream sent; written by hand, because building them
 * with a JSON library costs as much as fetching (20 µs an item). */
#pragma once

#include "base/buffer.h"
#include "batch/batch.h"
#include "fetch/call.h"

/* render_outcome appends the response object of `item` to `out`. `include` as in struct
 * batch; start_ms: when the item was dispatched, since the batch began (-1: never). */
void render_outcome(struct buffer *out, const struct item *item, const struct outcome *outcome,
                    unsigned include, double start_ms);

/* render_failure: the same for an item that ended without an outcome. */
void render_failure(struct buffer *out, const struct item *item, enum call_code code,
                    const char *message);

/* render_summary appends the "summary" member's value. */
struct gather_summary;
void render_summary(struct buffer *out, const struct gather_summary *summary);
