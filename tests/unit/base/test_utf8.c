/* SPDX-License-Identifier: Apache-2.0 */
/* base/utf8.h and utf8_is_valid, against a decoder written the slow way. */
#include "base/json_text.h"
#include "base/utf8.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

/* Encodes by the definition; returns the length, 0 for what has no encoding. */
static size_t encode(unsigned code, char *out)
{
    if (code >= 0xd800 && code <= 0xdfff)
        return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[len] | code);
    return len;
}

Test(utf8, every_code_point_is_accepted)
{
    char text[4];
    for (unsigned code = 0; code <= 0x10ffff; code++) {
        size_t len = encode(code, text);
        if (len > 0)
            cr_assert(eq(sz, utf8_sequence(text, len), len), "U+%X", code);
    }
}

Test(utf8, of_all_pairs_and_triples_exactly_the_well_formed_are_accepted)
{
    /* Every well-formed sequence of 2 and 3 bytes is one of the encodings: count both. */
    size_t pairs = 0, triples = 0;
    for (unsigned a = 0x80; a < 0x100; a++) {
        for (unsigned b = 0; b < 0x100; b++) {
            char two[2] = {(char)a, (char)b};
            pairs += utf8_sequence(two, 2) == 2;
            for (unsigned c = 0; c < 0x100; c++) {
                char three[3] = {(char)a, (char)b, (char)c};
                triples += utf8_sequence(three, 3) == 3;
            }
        }
    }
    cr_assert(eq(sz, pairs, 0x800 - 0x80));
    cr_assert(eq(sz, triples, 0x10000 - 0x800 - 0x800));
}

Test(utf8, four_byte_edges)
{
    cr_assert(eq(sz, utf8_sequence("\xf0\x8f\xbf\xbf", 4), 0), "overlong");
    cr_assert(eq(sz, utf8_sequence("\xf0\x90\x80\x80", 4), 4));
    cr_assert(eq(sz, utf8_sequence("\xf4\x8f\xbf\xbf", 4), 4));
    cr_assert(eq(sz, utf8_sequence("\xf4\x90\x80\x80", 4), 0), "above U+10FFFF");
    cr_assert(eq(sz, utf8_sequence("\xf5\x80\x80\x80", 4), 0));
    cr_assert(eq(sz, utf8_sequence("\xf0\x90\x80", 3), 0), "cut");
}

Test(utf8, a_bad_byte_is_found_at_every_place_of_a_long_text)
{
    char text[100];
    for (size_t len = 1; len <= sizeof text; len++) {
        for (size_t bad = 0; bad < len; bad++) {
            memset(text, 'a', sizeof text);
            cr_assert(utf8_is_valid(slice_make(text, len)));
            text[bad] = (char)0xff;
            cr_assert(not(utf8_is_valid(slice_make(text, len))), "len %zu bad %zu", len,
                      bad);
        }
    }
    cr_assert(utf8_is_valid(slice_make(NULL, 0)));
}

Test(utf8, a_cut_leaves_whole_characters)
{
    static const char text[] =
        "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"; /* 1, 2, 3 and 4 bytes */
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t most = 0; most < sizeof kept / sizeof *kept; most++)
        cr_expect_eq(utf8_cut(slice_from(text), most).len, kept[most], "%zu", most);
}
