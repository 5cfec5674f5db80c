/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of streaming decoders, outermost coding first; each has a few lines per library
 * and one shape: push input, hand the output on. Refuses what is behind the end of a
 * stream unless it is another member or frame of the same coding, and zstd windows over 8
 * MiB (RFC 9659). Called by transfer_callbacks.c while a body comes in. */
#include "fetch/decoder.h"

#include "base/memory.h"

#define ZLIB_CONST /* next_in points to const */
#include <brotli/decode.h>
#include <stddef.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum { CHUNK_BYTES = 16 * 1024, ZSTD_WINDOW_LOG_MAX = 23 };

enum coding { CODING_GZIP, CODING_DEFLATE, CODING_BROTLI, CODING_ZSTD };

struct layer {
    enum coding coding;
    bool is_begun; /* the library's state exists */
    bool is_fed;
    bool is_at_end; /* of a stream; more of the same kind may follow for some */
    z_stream z;
    BrotliDecoderState *brotli;
    size_t bytes; /* of what zlib and brotli have allocated */
    ZSTD_DStream *zstd;
};

struct decoder {
    size_t count;
    struct layer layers[DECODER_LAYERS_MAX];
};

struct run {
    struct decoder *decoder;
    struct buffer *out;
};

/* ------------------------------------------------------------------------ making */

static bool coding_of(struct slice name, enum coding *ret_coding)
{
    static const struct {
        const char *name;
        enum coding coding;
    } codings[] = {{"gzip", CODING_GZIP},
                   {"x-gzip", CODING_GZIP},
                   {"deflate", CODING_DEFLATE},
                   {"br", CODING_BROTLI},
                   {"zstd", CODING_ZSTD}};
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        if (slice_is_ignoring_case(name, codings[i].name)) {
            *ret_coding = codings[i].coding;
            return true;
        }
    }
    return false;
}

static struct slice next_name(struct slice *rest)
{
    const char *comma = rest->len ? memchr(rest->data, ',', rest->len) : NULL;
    size_t len = comma ? (size_t)(comma - rest->data) : rest->len;
    struct slice name = slice_make(rest->data, len);
    size_t skip = comma ? len + 1 : len;
    *rest = slice_make(rest->data + skip, rest->len - skip);
    while (name.len > 0 && (name.data[0] == ' ' || name.data[0] == '\t'))
        name = slice_make(name.data + 1, name.len - 1);
    while (name.len > 0 &&
           (name.data[name.len - 1] == ' ' || name.data[name.len - 1] == '\t'))
        name.len--;
    return name;
}

/* The list names the codings in the order they were applied (RFC 9110 8.4): undone from
 * the last to the first. */
static bool read_codings(struct slice list, struct decoder *decoder,
                         const char **ret_reason)
{
    enum coding found[DECODER_LAYERS_MAX];
    size_t count = 0;
    while (list.len > 0) {
        struct slice name = next_name(&list);
        if (name.len == 0 || slice_is_ignoring_case(name, "identity"))
            continue;
        if (count == DECODER_LAYERS_MAX) {
            *ret_reason = "the reply's body has more than 4 content codings";
            return false;
        }
        if (!coding_of(name, &found[count++])) {
            *ret_reason = "the reply's content coding is none of " DECODER_ACCEPT;
            return false;
        }
    }
    decoder->count = count;
    for (size_t i = 0; i < count; i++)
        decoder->layers[i].coding = found[count - 1 - i];
    return true;
}

bool decoder_new(struct slice codings, struct decoder **ret_decoder,
                 const char **ret_reason)
{
    struct decoder *decoder = memory_new(sizeof *decoder);
    bool is_known = read_codings(codings, decoder, ret_reason);
    if (!is_known || decoder->count == 0) {
        free(decoder);
        decoder = NULL;
    }
    *ret_decoder = decoder;
    return is_known;
}

static void layer_done(struct layer *layer)
{
    if (!layer->is_begun)
        return;
    if (layer->coding == CODING_BROTLI)
        BrotliDecoderDestroyInstance(layer->brotli);
    else if (layer->coding == CODING_ZSTD)
        ZSTD_freeDStream(layer->zstd);
    else
        inflateEnd(&layer->z);
    layer->is_begun = false;
}

void decoder_free(struct decoder *decoder)
{
    if (!decoder)
        return;
    for (size_t i = 0; i < decoder->count; i++)
        layer_done(&decoder->layers[i]);
    free(decoder);
}

/* zlib and brotli do not tell how much they have allocated: each block has its size in
 * front. */
union counted {
    size_t size;
    max_align_t aligned;
};

static void *allocate_counted(void *opaque, size_t size)
{
    struct layer *layer = opaque;
    union counted *block = malloc(sizeof *block + size);
    if (!block)
        return NULL;
    block->size = size;
    layer->bytes += size;
    return block + 1;
}

static void free_counted(void *opaque, void *address)
{
    struct layer *layer = opaque;
    if (!address)
        return;
    union counted *block = (union counted *)address - 1;
    layer->bytes -= block->size;
    free(block);
}

static void *allocate_for_zlib(void *opaque, unsigned count, unsigned size)
{
    return allocate_counted(opaque, (size_t)count * size);
}

/* "deflate" means zlib's format, but many servers send the bare one: told by the first
 * byte, which in zlib's is the method 8 with a window of at most 32 KiB. */
static bool begin_inflate(struct layer *layer, unsigned char first)
{
    bool is_zlib = (first & 0x0f) == 8 && (first >> 4) <= 7;
    int bits = layer->coding == CODING_GZIP ? 15 + 16 : is_zlib ? 15 : -15;
    layer->z.zalloc = allocate_for_zlib;
    layer->z.zfree = free_counted;
    layer->z.opaque = layer;
    return inflateInit2(&layer->z, bits) == Z_OK;
}

static bool layer_begin(struct layer *layer, unsigned char first)
{
    if (layer->is_begun)
        return true;
    if (layer->coding == CODING_BROTLI) {
        layer->brotli =
            BrotliDecoderCreateInstance(allocate_counted, free_counted, layer);
        layer->is_begun = layer->brotli != NULL;
    } else if (layer->coding == CODING_ZSTD) {
        layer->zstd = ZSTD_createDStream();
        layer->is_begun = layer->zstd != NULL;
        if (layer->is_begun)
            ZSTD_DCtx_setParameter(layer->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    } else {
        layer->is_begun = begin_inflate(layer, first);
    }
    return layer->is_begun;
}

/* ----------------------------------------------------------------------- running */

static enum decoder_verdict feed(struct run *run, size_t number, struct slice data);

static enum decoder_verdict hand_on(struct run *run, size_t number, const char *data,
                                    size_t len)
{
    if (len == 0)
        return DECODER_FINE;
    if (number + 1 < run->decoder->count)
        return feed(run, number + 1, slice_make(data, len));
    return buffer_append(run->out, data, len) ? DECODER_FINE : DECODER_FULL;
}

static enum decoder_verdict feed_inflate(struct run *run, size_t number,
                                         struct slice data)
{
    struct layer *layer = &run->decoder->layers[number];
    unsigned char chunk[CHUNK_BYTES];
    layer->z.next_in = (const Bytef *)data.data;
    layer->z.avail_in = (uInt)data.len;
    do {
        if (layer->is_at_end && layer->z.avail_in > 0) {
            if (layer->coding != CODING_GZIP || inflateReset(&layer->z) != Z_OK)
                return DECODER_BROKEN;
            layer->is_at_end = false;
        }
        layer->z.next_out = chunk;
        layer->z.avail_out = sizeof chunk;
        int code = inflate(&layer->z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return DECODER_BROKEN;
        layer->is_at_end = code == Z_STREAM_END;
        enum decoder_verdict verdict =
            hand_on(run, number, (char *)chunk, sizeof chunk - layer->z.avail_out);
        if (verdict != DECODER_FINE)
            return verdict;
    } while (layer->z.avail_in > 0 || (layer->z.avail_out == 0 && !layer->is_at_end));
    return DECODER_FINE;
}

static enum decoder_verdict feed_brotli(struct run *run, size_t number, struct slice data)
{
    struct layer *layer = &run->decoder->layers[number];
    uint8_t chunk[CHUNK_BYTES];
    const uint8_t *in = (const uint8_t *)data.data;
    size_t left = data.len;
    if (layer->is_at_end)
        return DECODER_BROKEN;
    for (;;) {
        uint8_t *out = chunk;
        size_t room = sizeof chunk;
        BrotliDecoderResult result =
            BrotliDecoderDecompressStream(layer->brotli, &left, &in, &room, &out, NULL);
        if (result == BROTLI_DECODER_RESULT_ERROR)
            return DECODER_BROKEN;
        enum decoder_verdict verdict =
            hand_on(run, number, (char *)chunk, sizeof chunk - room);
        if (verdict != DECODER_FINE)
            return verdict;
        layer->is_at_end = result == BROTLI_DECODER_RESULT_SUCCESS;
        if (layer->is_at_end)
            return left == 0 ? DECODER_FINE : DECODER_BROKEN;
        if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
            return DECODER_FINE;
    }
}

static enum decoder_verdict feed_zstd(struct run *run, size_t number, struct slice data)
{
    struct layer *layer = &run->decoder->layers[number];
    char chunk[CHUNK_BYTES];
    ZSTD_inBuffer in = {.src = data.data, .size = data.len};
    size_t produced;
    do {
        ZSTD_outBuffer out = {.dst = chunk, .size = sizeof chunk};
        size_t hint = ZSTD_decompressStream(layer->zstd, &out, &in);
        if (ZSTD_isError(hint))
            return DECODER_BROKEN;
        produced = out.pos;
        layer->is_at_end = hint == 0;
        enum decoder_verdict verdict = hand_on(run, number, chunk, produced);
        if (verdict != DECODER_FINE)
            return verdict;
    } while (in.pos < in.size || (produced == sizeof chunk && !layer->is_at_end));
    return DECODER_FINE;
}

static enum decoder_verdict feed(struct run *run, size_t number, struct slice data)
{
    struct layer *layer = &run->decoder->layers[number];
    if (!layer_begin(layer, (unsigned char)data.data[0]))
        return DECODER_BROKEN;
    layer->is_fed = true;
    if (layer->coding == CODING_BROTLI)
        return feed_brotli(run, number, data);
    if (layer->coding == CODING_ZSTD)
        return feed_zstd(run, number, data);
    return feed_inflate(run, number, data);
}

enum decoder_verdict decoder_feed(struct decoder *decoder, struct slice data,
                                  struct buffer *out)
{
    struct run run = {.decoder = decoder, .out = out};
    return data.len == 0 ? DECODER_FINE : feed(&run, 0, data);
}

size_t decoder_bytes(const struct decoder *decoder)
{
    size_t bytes = 0;
    for (size_t i = 0; i < decoder->count; i++) {
        const struct layer *layer = &decoder->layers[i];
        bytes += layer->bytes;
        if (layer->is_begun && layer->coding == CODING_ZSTD)
            bytes += ZSTD_sizeof_DStream(layer->zstd);
    }
    return bytes;
}

bool decoder_is_complete(const struct decoder *decoder)
{
    for (size_t i = 0; i < decoder->count; i++) {
        const struct layer *layer = &decoder->layers[i];
        /* An inner layer that got nothing is complete only if the outer one got nothing.
         */
        if (layer->is_fed ? !layer->is_at_end : (i > 0 && decoder->layers[i - 1].is_fed))
            return false;
    }
    return true;
}
