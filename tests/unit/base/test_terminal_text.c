/* SPDX-License-Identifier: Apache-2.0 */
/* base/terminal_text.h: nothing of others' bytes reaches a terminal as a command. */
#include "base/terminal_text.h"

#include "base/utf8.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

static struct buffer out;

static void start(void)
{
    buffer_init(&out, 1 << 16);
}

static void end(void)
{
    buffer_done(&out);
}

TestSuite(terminal_text, .init = start, .fini = end);

static const char *shown(const char *text, int columns)
{
    buffer_clear(&out);
    (void)terminal_text_append(&out, slice_from(text), columns);
    return buffer_text(&out);
}

static const char *padded(const char *text, int columns, bool is_right)
{
    buffer_clear(&out);
    terminal_text_pad(&out, slice_from(text), columns, is_right);
    return buffer_text(&out);
}

static const char *bar(double share, int columns)
{
    buffer_clear(&out);
    terminal_text_bar(&out, share, columns);
    return buffer_text(&out);
}

Test(terminal_text, plain_text_stays_as_it_is)
{
    cr_assert(eq(str, (char *)shown("http://api.internal:8080", 80),
                 "http://api.internal:8080"));
    cr_assert(eq(str, (char *)shown("", 80), ""));
    cr_assert(eq(str, (char *)shown("Grüße €", 80), "Grüße €"));
}

Test(terminal_text, no_single_byte_or_pair_is_a_command)
{
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            char text[2] = {(char)first, (char)second};
            buffer_clear(&out);
            int columns = terminal_text_append(&out, slice_make(text, 2), 10);
            cr_assert(columns == 1 || columns == 2);
            for (size_t i = 0; i < out.len; i++) {
                unsigned char byte = (unsigned char)out.data[i];
                cr_assert(byte >= 0x20 && byte != 0x7f, "%02x %02x", first, second);
            }
            cr_assert(utf8_is_valid(buffer_slice(&out)));
            /* C1 controls, as some terminals take them in UTF-8 */
            bool is_control = out.len == 2 && out.data[0] == '\xc2' &&
                              (unsigned char)out.data[1] < 0xa0;
            cr_assert(not(is_control));
        }
    }
}

Test(terminal_text, escapes_bidi_and_joiners_become_question_marks)
{
    cr_assert(eq(str, (char *)shown("a\033[31mb", 80), "a?[31mb"));
    cr_assert(eq(str,
                 (char *)shown("a\xe2\x80\xae"
                               "b",
                               80),
                 "a?b")); /* U+202E */
    cr_assert(eq(str,
                 (char *)shown("a\xcc\x81"
                               "b",
                               80),
                 "a?b")); /* U+0301 */
    cr_assert(eq(str,
                 (char *)shown("a\xc2\x9b"
                               "31m",
                               80),
                 "a?31m")); /* CSI as C1 */
    cr_assert(eq(str, (char *)shown("\xff\xfe", 80), "??"));
    cr_assert(eq(str, (char *)shown("\xf3\xa0\x80\x81", 80), "?")); /* a tag */
}

Test(terminal_text, what_is_too_long_ends_in_an_ellipsis)
{
    cr_assert(eq(str, (char *)shown("abcdef", 6), "abcdef"));
    cr_assert(eq(str, (char *)shown("abcdef", 5), "abcd…"));
    cr_assert(eq(str, (char *)shown("abcdef", 1), "…"));
    cr_assert(eq(str, (char *)shown("abcdef", 0), ""));
    cr_assert(eq(str, (char *)shown("äöüß", 3), "äö…"));
}

Test(terminal_text, wide_characters_count_two)
{
    cr_assert(eq(int, terminal_text_columns(slice_from("日本")), 4));
    cr_assert(eq(int, terminal_text_columns(slice_from("a😀b")), 4));
    cr_assert(eq(str, (char *)shown("日本", 3), "日…"));
    cr_assert(eq(str, (char *)shown("日本", 2), "…"));
    cr_assert(eq(str, (char *)padded("日本", 2, false), "… "));
    cr_assert(eq(str, (char *)padded("日本", 2, true), "… "));
}

Test(terminal_text, padding_is_exact_on_either_side)
{
    cr_assert(eq(str, (char *)padded("ab", 4, false), "ab  "));
    cr_assert(eq(str, (char *)padded("ab", 4, true), "  ab"));
    cr_assert(eq(str, (char *)padded("abcdef", 4, false), "abc…"));
    cr_assert(eq(str, (char *)padded("abcdef", 4, true), "abc…"));
    cr_assert(eq(str, (char *)padded("ä", 2, true), " ä"));
}

Test(terminal_text, a_bar_is_drawn_to_an_eighth_and_always_as_wide)
{
    cr_assert(eq(str, (char *)bar(0, 4), "    "));
    cr_assert(eq(str, (char *)bar(1, 4), "████"));
    cr_assert(eq(str, (char *)bar(0.5, 4), "██  "));
    cr_assert(eq(str, (char *)bar(0.25 + 1.0 / 32, 4), "█▏  "));
    cr_assert(eq(str, (char *)bar(7, 2), "██"));
    cr_assert(eq(str, (char *)bar(-1, 2), "  "));
    cr_assert(eq(str, (char *)bar(NAN, 2), "  "));
    cr_assert(eq(str, (char *)bar(0.5, 0), ""));
    for (int eighth = 0; eighth <= 80; eighth++) {
        (void)bar(eighth / 80.0, 10);
        cr_assert(eq(int, terminal_text_columns(buffer_slice(&out)), 10));
    }
}
