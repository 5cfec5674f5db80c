/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings undone: gzip, deflate, br, zstd, and lists of them. Own code and not
 * libcurl's, because libcurl takes a stream that was cut short for a whole one. Bounded:
 * the output by the buffer's ceiling, the layers by DECODER_LAYERS_MAX. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum { DECODER_LAYERS_MAX = 4 };

/* What to ask for: the codings decoder_new knows. */
#define DECODER_ACCEPT "gzip, deflate, br, zstd"

struct decoder;

enum decoder_verdict { DECODER_FINE, DECODER_BROKEN, DECODER_FULL };

/* decoder_new makes the decoder for a Content-Encoding value; NULL with a constant
 * sentence when it lists an unknown coding or too many. *ret_decoder is NULL for
 * identity. */
bool decoder_new(struct slice codings, struct decoder **ret_decoder,
                 const char **ret_reason) MUST_CHECK;
void decoder_free(struct decoder *decoder); /* NULL is fine */

/* decoder_feed appends what `data` decodes to; DECODER_FULL: more than `out` may hold. */
enum decoder_verdict decoder_feed(struct decoder *decoder, struct slice data,
                                  struct buffer *out) MUST_CHECK;
/* decoder_bytes: how much memory its windows take. An upstream has only to ask for it: 16
 * MiB for each layer of br, 8 for one of zstd, 40 KiB for one of gzip. */
size_t decoder_bytes(const struct decoder *decoder);

/* decoder_is_complete: every layer saw its end, or nothing was fed at all. */
bool decoder_is_complete(const struct decoder *decoder);
