/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a response in the shape that its item asked for. Pure. */
#pragma once

#include "base/buffer.h"
#include "batch/answer_shape.h"
#include "fetch/call.h"

/* render_shaped_headers appends the "headers" member with those that shape keeps. */
void render_shaped_headers(struct buffer *out, const struct outcome *outcome,
                           const struct answer_shape *shape);

/* render_shaped_body appends what stands in place of "body" (answer_shape_has_body):
 *
 *     selection   ,"body":{"/a/0":…},"bodyEncoding":"json","bodySelected":true
 *                 ,"bodySelected":false                        it was no JSON
 *     none        ,"bodyBytes":12
 *     sha256      ,"bodyBytes":12,"bodySha256":"…"
 *     first bytes ,"body":"…","bodyEncoding":"text","bodyBytes":12,"bodyTruncated":true
 */
void render_shaped_body(struct buffer *out, const struct outcome *outcome,
                        const struct answer_shape *shape);
