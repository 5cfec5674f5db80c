/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/decoder.h: every coding whole, in pieces, cut, bent and as a bomb. */
#include "fetch/decoder.h"

#include <brotli/encode.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zlib.h>
#include <zstd.h>

static const char plain[] = "hello compressed world, hello compressed world, hello again";
enum { ROOM = 1 << 16 };

static size_t deflate_with(int bits, const void *data, size_t len, unsigned char *out)
{
    z_stream z = {0};
    cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = ROOM;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t written = ROOM - z.avail_out;
    deflateEnd(&z);
    return written;
}

static size_t encode(const char *coding, const void *data, size_t len, unsigned char *out)
{
    if (strcmp(coding, "gzip") == 0)
        return deflate_with(15 + 16, data, len, out);
    if (strcmp(coding, "deflate") == 0)
        return deflate_with(15, data, len, out);
    if (strcmp(coding, "bare deflate") == 0)
        return deflate_with(-15, data, len, out);
    size_t size = ROOM;
    if (strcmp(coding, "zstd") == 0)
        return ZSTD_compress(out, size, data, len, 3);
    cr_assert(BrotliEncoderCompress(5, 18, BROTLI_MODE_GENERIC, len, data, &size, out));
    return size;
}

static struct decoder *make(const char *codings)
{
    struct decoder *decoder = NULL;
    const char *reason = NULL;
    cr_assert(decoder_new(slice_from(codings), &decoder, &reason), "%s", reason);
    return decoder;
}

/* Feeds in pieces of `step`; returns the verdict and leaves the text in `out`. */
static enum decoder_verdict run(struct decoder *decoder, const unsigned char *data,
                                size_t len, size_t step, struct buffer *out)
{
    for (size_t at = 0; at < len; at += step) {
        size_t piece = len - at < step ? len - at : step;
        enum decoder_verdict verdict =
            decoder_feed(decoder, slice_make((const char *)data + at, piece), out);
        if (verdict != DECODER_FINE)
            return verdict;
    }
    return DECODER_FINE;
}

static const struct {
    const char *name, *made_as;
} codings[] = {
    {"gzip", "gzip"}, {"GZip", "gzip"},       {"x-gzip", "gzip"},         {"br", "br"},
    {"zstd", "zstd"}, {"deflate", "deflate"}, {"deflate", "bare deflate"}};
enum { CODINGS = sizeof codings / sizeof *codings };

Test(decoder, undoes_every_coding_in_pieces_of_any_size)
{
    unsigned char coded[ROOM];
    for (size_t i = 0; i < CODINGS; i++) {
        size_t len = encode(codings[i].made_as, plain, strlen(plain), coded);
        for (size_t step = 1; step <= len; step += 7) {
            struct buffer out;
            buffer_init(&out, ROOM);
            struct decoder *decoder = make(codings[i].name);
            cr_expect_eq(run(decoder, coded, len, step, &out), DECODER_FINE);
            cr_expect(decoder_is_complete(decoder), "%s", codings[i].made_as);
            cr_expect(slice_is(buffer_slice(&out), plain), "%s", codings[i].made_as);
            decoder_free(decoder);
            buffer_done(&out);
        }
    }
}

Test(decoder, knows_a_stream_that_was_cut_anywhere)
{
    unsigned char coded[ROOM];
    for (size_t i = 0; i < CODINGS; i++) {
        size_t len = encode(codings[i].made_as, plain, strlen(plain), coded);
        for (size_t cut = 1; cut < len; cut++) {
            struct buffer out;
            buffer_init(&out, ROOM);
            struct decoder *decoder = make(codings[i].name);
            enum decoder_verdict verdict = run(decoder, coded, cut, cut, &out);
            cr_expect(verdict == DECODER_BROKEN || !decoder_is_complete(decoder),
                      "%s cut at %zu", codings[i].made_as, cut);
            decoder_free(decoder);
            buffer_done(&out);
        }
    }
}

Test(decoder, refuses_what_is_not_coded_at_all)
{
    for (size_t i = 0; i < CODINGS; i++) {
        struct buffer out;
        buffer_init(&out, ROOM);
        struct decoder *decoder = make(codings[i].name);
        const unsigned char *text = (const unsigned char *)"just text, not coded";
        enum decoder_verdict verdict = run(decoder, text, 20, 20, &out);
        cr_expect(verdict == DECODER_BROKEN || !decoder_is_complete(decoder), "%s",
                  codings[i].name);
        decoder_free(decoder);
        buffer_done(&out);
    }
}

Test(decoder, refuses_a_wrong_checksum_and_bytes_behind_the_end)
{
    unsigned char coded[ROOM];
    struct buffer out;
    buffer_init(&out, ROOM);
    size_t len = encode("gzip", plain, strlen(plain), coded);
    struct decoder *decoder = make("gzip");
    memcpy(coded + len, "tail", 4);
    cr_expect_eq(run(decoder, coded, len + 4, len + 4, &out), DECODER_BROKEN);
    decoder_free(decoder);
    decoder = make("gzip");
    coded[len - 6] ^= 1;
    cr_expect_eq(run(decoder, coded, len, len, &out), DECODER_BROKEN);
    decoder_free(decoder);
    buffer_done(&out);
}

Test(decoder, joins_the_members_of_a_gzip_file)
{
    unsigned char coded[ROOM];
    struct buffer out;
    buffer_init(&out, ROOM);
    size_t len = encode("gzip", "one ", 4, coded);
    len += encode("gzip", "two", 3, coded + len);
    struct decoder *decoder = make("gzip");
    cr_assert_eq(run(decoder, coded, len, 5, &out), DECODER_FINE);
    cr_assert(decoder_is_complete(decoder));
    cr_assert(slice_is(buffer_slice(&out), "one two"));
    decoder_free(decoder);
    buffer_done(&out);
}

Test(decoder, stops_a_bomb_at_the_ceiling)
{
    static char zeros[4 << 20];
    static unsigned char coded[ROOM];
    for (size_t i = 0; i < CODINGS; i++) {
        struct buffer out;
        buffer_init(&out, 100000);
        size_t len = encode(codings[i].made_as, zeros, sizeof zeros, coded);
        struct decoder *decoder = make(codings[i].name);
        cr_expect_eq(run(decoder, coded, len, 1000, &out), DECODER_FULL, "%s",
                     codings[i].name);
        cr_expect_leq(out.len, 100000);
        decoder_free(decoder);
        buffer_done(&out);
    }
}

Test(decoder, undoes_layers_from_the_last_to_the_first)
{
    unsigned char inner[ROOM], outer[ROOM];
    struct buffer out;
    buffer_init(&out, ROOM);
    size_t len = encode("zstd", plain, strlen(plain), inner);
    len = encode("gzip", inner, len, outer);
    struct decoder *decoder = make("zstd, identity, gzip");
    cr_assert_eq(run(decoder, outer, len, 3, &out), DECODER_FINE);
    cr_assert(decoder_is_complete(decoder));
    cr_assert(slice_is(buffer_slice(&out), plain));
    decoder_free(decoder);
    buffer_done(&out);
}

Test(decoder, is_none_for_identity_and_an_empty_list)
{
    cr_assert_null(make("identity"));
    cr_assert_null(make(""));
    cr_assert_null(make(" , identity"));
}

Test(decoder, refuses_unknown_codings_and_too_many)
{
    struct decoder *decoder = NULL;
    const char *reason = NULL;
    cr_assert_not(decoder_new(slice_from("wat"), &decoder, &reason));
    cr_assert_not_null(reason);
    reason = NULL;
    cr_assert_not(decoder_new(slice_from("gzip,gzip,gzip,gzip,gzip"), &decoder, &reason));
    cr_assert_not_null(reason);
}

Test(decoder, is_complete_when_there_was_no_body)
{
    struct decoder *decoder = make("gzip");
    cr_assert(decoder_is_complete(decoder));
    decoder_free(decoder);
}

Test(decoder, reads_lists_with_blanks_anywhere)
{
    static const char *const lists[] = {"gzip ", " gzip\t,\tidentity ", ",gzip,,"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        decoder_free(make(lists[i])); /* fed nothing */
    decoder_free(NULL);
}

Test(decoder, refuses_more_after_the_end_in_a_later_piece)
{
    unsigned char coded[ROOM];
    for (size_t i = 0; i < CODINGS; i++) {
        bool has_members = strcmp(codings[i].made_as, "gzip") == 0 ||
                           strcmp(codings[i].made_as, "zstd") == 0;
        size_t len = encode(codings[i].made_as, plain, strlen(plain), coded);
        struct buffer out;
        buffer_init(&out, ROOM);
        struct decoder *decoder = make(codings[i].name);
        cr_assert_eq(run(decoder, coded, len, len, &out), DECODER_FINE);
        cr_expect_eq(decoder_feed(decoder, slice_make((const char *)coded, len), &out),
                     has_members ? DECODER_FINE : DECODER_BROKEN, "%s",
                     codings[i].made_as);
        decoder_free(decoder);
        buffer_done(&out);
    }
}

Test(decoder, tells_what_its_windows_take)
{
    static const char *const names[] = {"br", "zstd"};
    static unsigned char zeros[8 << 20], coded[ROOM];
    for (size_t i = 0; i < 2; i++) {
        size_t len = ROOM;
        if (i == 0)
            cr_assert(BrotliEncoderCompress(5, 24, BROTLI_MODE_GENERIC, sizeof zeros,
                                            zeros, &len, coded));
        else
            len = ZSTD_compress(coded, len, zeros, sizeof zeros, 3);
        struct buffer out;
        buffer_init(&out, ROOM);
        struct decoder *decoder = make(names[i]);
        cr_assert_eq(decoder_bytes(decoder), 0);
        cr_assert_eq(run(decoder, coded, len, len, &out), DECODER_FULL);
        cr_expect_gt(decoder_bytes(decoder), 1 << 20, "%s", names[i]);
        cr_expect_lt(decoder_bytes(decoder), 40 << 20, "%s", names[i]);
        decoder_free(decoder);
        buffer_done(&out);
    }
}

/* Small, but ten thousand of them may be open at once. */
Test(decoder, the_window_of_gzip_counts)
{
    static unsigned char zeros[1 << 20], coded[ROOM];
    size_t len = encode("gzip", zeros, sizeof zeros, coded);
    struct buffer out;
    buffer_init(&out, sizeof zeros);
    struct decoder *decoder = make("gzip");
    cr_assert_eq(run(decoder, coded, len / 2, 1, &out), DECODER_FINE);
    cr_expect_gt(decoder_bytes(decoder), 32 << 10);
    cr_expect_lt(decoder_bytes(decoder), 64 << 10);
    decoder_free(decoder);
    buffer_done(&out);
}

/* AddressSanitizer neither lives under a ceiling on memory nor lets malloc fail. */
#ifndef __SANITIZE_ADDRESS__
static void take_all_memory(void)
{
    struct rlimit none = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    for (size_t size = 1 << 20; size > 8; size /= 2) {
        while (malloc(size) != NULL)
            continue;
    }
}

Test(decoder, without_memory_for_its_state_a_body_does_not_decode)
{
    static const char *const names[] = {"gzip", "deflate", "br", "zstd"};
    struct decoder *decoders[4];
    enum decoder_verdict verdicts[4];
    struct buffer out;
    struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    buffer_init(&out, ROOM);
    for (size_t i = 0; i < 4; i++)
        decoders[i] = make(names[i]);
    take_all_memory();
    for (size_t i = 0; i < 4; i++)
        verdicts[i] = decoder_feed(decoders[i], slice_from("x"), &out);
    setrlimit(RLIMIT_AS, &all);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(verdicts[i], DECODER_BROKEN, "%s", names[i]);
        decoder_free(decoders[i]);
    }
}
#endif
