/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings: the first byte chooses them, the rest is the body, fed in pieces. */
#include "fuzzer.h"

#include "fetch/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const codings[] = {"gzip",       "deflate",  "br",       "zstd",
                                          "gzip, gzip", "br, gzip", "identity", "wat"};
    if (size < 2)
        return 0;
    struct decoder *decoder = NULL;
    const char *reason = NULL;
    if (!decoder_new(slice_from(codings[data[0] % 8]), &decoder, &reason)) {
        MUST_HOLD(reason != NULL);
        return 0;
    }
    struct buffer out;
    buffer_init(&out, 64 << 10);
    const char *at = (const char *)data + 2;
    size_t left = size - 2, step = 1 + data[1];
    enum decoder_verdict verdict = DECODER_FINE;
    while (decoder && left > 0 && verdict == DECODER_FINE) {
        size_t piece = left < step ? left : step;
        verdict = decoder_feed(decoder, slice_make(at, piece), &out);
        at += piece;
        left -= piece;
    }
    MUST_HOLD(out.len <= out.max);
    if (decoder)
        (void)decoder_is_complete(decoder);
    decoder_free(decoder);
    buffer_done(&out);
    return 0;
}
