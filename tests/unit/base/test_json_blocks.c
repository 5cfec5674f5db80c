/* SPDX-License-Identifier: Apache-2.0 */
/* Sixty-four bytes at a time, the same texts are JSON as from token to token: each is
 * moved over the blocks' borders, and every byte of it is changed. */
#include "base/json_blocks.h"

#include "base/json_scan.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {
    "{}",
    "[[],{},[{}]]",
    "{\"a\":1,\"b\":[true,false,null,{\"c\":{}}],\"d\":\"x\\\"y\\\\\",\"e\":[]}",
    "[-1.5e+10,0,-0,120,\"\",[[[]]],{\"k\" : [ 1 , 2 ] , \"l\":{ } }]",
    "{\"\\u00e9\":\"\\ud83d\\ude00\",\"\xc3\xa9\":\"\xe6\x97\xa5\xf0\x9f\x98\x80\"}",
    "{\"id\":100000,\"sku\":\"AX-00000\",\"stock\":true,\"name\":\"Item number 0, blue, "
    "as "
    "long as a block and more\",\"price\":19.5,\"tags\":[\"new\",\"home\"]}",
};
enum { TEXTS = sizeof texts / sizeof *texts, ROOM = 512 };

static void expect_the_same(const char *text, size_t len)
{
    char *copy = malloc(len); /* of its size: a byte read too much is seen */
    memcpy(copy, text, len);
    const char *steps = json_scan_steps(copy, copy + len);
    const char *blocks = json_blocks_skip(copy, copy + len);
    cr_assert(steps == blocks, "%.*s", (int)len, text);
    free(copy);
}

static bool begins_with_bracket(const char *text)
{
    return *text == '[' || *text == '{';
}

/* `text` behind `pad` bytes of a string. */
static size_t put(char *to, size_t pad, const char *text)
{
    memcpy(to, "[\"", 2);
    memset(to + 2, 'p', pad);
    memcpy(to + 2 + pad, "\",", 2);
    memcpy(to + 4 + pad, text, strlen(text));
    memcpy(to + 4 + pad + strlen(text), "] and more", 10);
    return 4 + pad + strlen(text) + 10;
}

Test(json_blocks, every_text_is_accepted_wherever_it_lies)
{
    char text[ROOM];
    if (!json_blocks_can())
        cr_skip("this processor has no AVX2");
    for (size_t i = 0; i < TEXTS; i++) {
        for (size_t pad = 0; pad < 130; pad++) {
            size_t len = put(text, pad, texts[i]);
            cr_assert(json_blocks_skip(text, text + len) == text + len - 9, "%s",
                      texts[i]);
            expect_the_same(text, len);
        }
    }
}

Test(json_blocks, with_any_byte_changed_removed_or_added_they_agree)
{
    static const char bytes[] = "[]{},:\"\\u0 1e-.tn\n\x01\x7f\x80\xc3\xa9\xed\xff/";
    char whole[ROOM], text[ROOM];
    if (!json_blocks_can())
        cr_skip("this processor has no AVX2");
    for (size_t i = 0; i < TEXTS; i++) {
        for (size_t pad = 0; pad < 128; pad += 21) {
            size_t len = put(whole, pad, texts[i]);
            for (size_t at = 1; at < len; at++) {
                expect_the_same(whole, at); /* cut off */
                memcpy(text, whole, at);
                memcpy(text + at, whole + at + 1, len - at - 1);
                expect_the_same(text, len - 1);
                for (size_t b = 0; b < sizeof bytes; b++) {
                    text[at] = bytes[b];
                    memcpy(text + at + 1, whole + at + 1, len - at - 1);
                    expect_the_same(text, len);
                    memcpy(text + at + 1, whole + at, len - at);
                    expect_the_same(text, len + 1);
                }
            }
        }
    }
}

Test(json_blocks, blanks_may_be_longer_than_a_block)
{
    char text[ROOM];
    if (!json_blocks_can())
        cr_skip("this processor has no AVX2");
    for (size_t blanks = 0; blanks < 200; blanks++) {
        static const char *const parts[] = {"{", "\"a\"", ":", "[", "1",
                                            ",", "\"b\"", "]", "}"};
        for (size_t at = 0; at <= sizeof parts / sizeof *parts; at++) {
            size_t len = 0;
            for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
                if (i == at && i > 0) {
                    memset(text + len, "\n \t\r"[i % 4], blanks);
                    len += blanks;
                }
                memcpy(text + len, parts[i], strlen(parts[i]));
                len += strlen(parts[i]);
            }
            cr_assert(begins_with_bracket(text));
            cr_assert(json_blocks_skip(text, text + len) == text + len);
            expect_the_same(text, len);
        }
    }
}

Test(json_blocks, nesting_ends_at_the_same_depth)
{
    static char text[4 * JSON_TEXT_DEPTH_MAX];
    if (!json_blocks_can())
        cr_skip("this processor has no AVX2");
    for (size_t depth = JSON_TEXT_DEPTH_MAX - 2; depth < JSON_TEXT_DEPTH_MAX + 2;
         depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        cr_expect_eq(json_blocks_skip(text, text + 2 * depth) != NULL,
                     depth <= JSON_TEXT_DEPTH_MAX);
        expect_the_same(text, 2 * depth);
    }
}
