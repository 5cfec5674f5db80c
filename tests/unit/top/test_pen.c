/* SPDX-License-Identifier: Apache-2.0 */
/* top/pen.h: lines never wider than the screen, nor more than it has. */
#include "top/pen.h"

#include "base/terminal_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct buffer out;

static void start(void)
{
    buffer_init(&out, 1 << 16);
}

static void end(void)
{
    buffer_done(&out);
}

TestSuite(pen, .init = start, .fini = end);

static struct pen pen_of(int columns, bool has_colours)
{
    return (struct pen){
        .out = &out, .columns = columns, .left = columns, .has_colours = has_colours};
}

static char *text(void)
{
    static char copy[4096];
    cr_assert(lt(sz, out.len, sizeof copy));
    if (out.len)
        memcpy(copy, out.data, out.len);
    copy[out.len] = '\0';
    return copy;
}

Test(pen, a_line_ends_at_the_edge)
{
    struct pen pen = pen_of(8, false);
    pen_put(&pen, PEN_BOLD, slice_from("abcdef"));
    pen_put(&pen, PEN_PLAIN, slice_from("ghij"));
    pen_put(&pen, PEN_PLAIN, slice_from("lost"));
    pen_end(&pen, PEN_PLAIN);
    pen_format(&pen, PEN_PLAIN, "%d", 7);
    pen_end(&pen, PEN_PLAIN);
    cr_assert(eq(str, text(), "abcdefg…\n7\n"));
    cr_assert(eq(int, pen.lines, 2));
}

Test(pen, fields_have_their_width_or_what_is_left)
{
    struct pen pen = pen_of(10, false);
    pen_field(&pen, PEN_PLAIN, slice_from("ab"), 4, false);
    pen_field(&pen, PEN_PLAIN, slice_from("7"), 4, true);
    pen_field(&pen, PEN_PLAIN, slice_from("abc"), 4, false);
    pen_field(&pen, PEN_PLAIN, slice_from("none"), 4, false);
    pen_end(&pen, PEN_PLAIN);
    cr_assert(eq(str, text(), "ab     7a…\n"));
}

Test(pen, bars_are_cut_too)
{
    struct pen pen = pen_of(3, false);
    pen_bar(&pen, PEN_GOOD, 1, 2);
    pen_bar(&pen, PEN_GOOD, 1, 2);
    pen_bar(&pen, PEN_GOOD, 1, 2);
    pen_end(&pen, PEN_PLAIN);
    cr_assert(eq(str, text(), "███\n"));
}

Test(pen, colours_stand_around_what_they_are_for)
{
    struct pen pen = pen_of(10, true);
    pen_put(&pen, PEN_BAD, slice_from("no"));
    pen_put(&pen, PEN_PLAIN, slice_from("yes"));
    pen_end(&pen, PEN_PLAIN);
    cr_assert(eq(str, text(), "\033[31mno\033[0myes\n"));
}

Test(pen, a_heading_goes_to_the_edge_in_colour_only)
{
    struct pen pen = pen_of(4, true);
    pen_put(&pen, PEN_HEAD, slice_from("A"));
    pen_end(&pen, PEN_HEAD);
    cr_assert(eq(str, text(), "\033[7mA\033[0m\033[7m   \033[0m\n"));
    buffer_clear(&out);
    pen = pen_of(4, false);
    pen_put(&pen, PEN_HEAD, slice_from("A"));
    pen_end(&pen, PEN_HEAD);
    cr_assert(eq(str, text(), "A\n"));
}

Test(pen, lines_beyond_the_last_are_left_out)
{
    struct pen pen = pen_of(4, false);
    pen.lines_max = 1;
    pen_put(&pen, PEN_PLAIN, slice_from("a"));
    pen_end(&pen, PEN_PLAIN);
    cr_assert(pen_is_full(&pen));
    pen_put(&pen, PEN_PLAIN, slice_from("b"));
    pen_field(&pen, PEN_PLAIN, slice_from("b"), 2, false);
    pen_bar(&pen, PEN_PLAIN, 1, 2);
    pen_end(&pen, PEN_PLAIN);
    cr_assert(eq(str, text(), "a\n"));
}

Test(pen, others_bytes_are_made_harmless)
{
    struct pen pen = pen_of(20, false);
    pen_put(&pen, PEN_PLAIN, slice_from("a\033[2Jb"));
    pen_field(&pen, PEN_PLAIN, slice_from("\r\n"), 3, false);
    cr_assert(eq(str, text(), "a?[2Jb?? "));
}
