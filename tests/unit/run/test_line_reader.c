/* SPDX-License-Identifier: Apache-2.0 */
/* line_reader.h */
#include "run/line_reader.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct line_reader reader;
static struct buffer seen; /* "number:text;" or "number!fault;" for each line */

static void open_reader(void)
{
    line_reader_init(&reader, 1 << 20);
    buffer_init(&seen, 1 << 20);
}

static void close_reader(void)
{
    line_reader_done(&reader);
    buffer_done(&seen);
}

TestSuite(line_reader, .init = open_reader, .fini = close_reader);

static void take_all(bool is_end)
{
    for (;;) {
        struct line line = line_reader_next(&reader, is_end);
        if (line.kind == LINE_NONE)
            return;
        if (line.kind == LINE_FAULTY)
            buffer_append_format(&seen, "%" PRIu64 "!%s;", line.number, line.fault);
        else
            buffer_append_format(&seen, "%" PRIu64 ":%.*s;", line.number,
                                 (int)line.text.len, line.text.data);
    }
}

/* `text` in pieces of `size` bytes. */
static void feed(struct slice text, size_t size)
{
    for (size_t at = 0; at < text.len; at += size) {
        size_t len = text.len - at < size ? text.len - at : size;
        buffer_append(line_reader_buffer(&reader), text.data + at, len);
        take_all(false);
    }
    take_all(true);
}

static void expect_of(struct slice text, const char *wanted)
{
    for (size_t size = 1; size <= text.len + 1; size++) {
        close_reader();
        open_reader();
        feed(text, size);
        cr_assert(eq(str, (char *)buffer_text(&seen), (char *)wanted), "pieces of %zu",
                  size);
        cr_assert(eq(u64, reader.taken, text.len));
        cr_assert(eq(sz, reader.at, reader.bytes.len));
    }
}

static void expect(const char *text, const char *wanted)
{
    expect_of(slice_from(text), wanted);
}

Test(line_reader, lines_are_the_same_however_they_come)
{
    expect("a\nbc\n", "1:a;2:bc;");
    expect("a\nbc", "1:a;2:bc;");
    expect("\n\n a \t\r\n# no\n  # no\nb#c\r\n\r\n", "3:a;6:b#c;");
    expect("\xef\xbb\xbf"
           "a\n\xef\xbb\xbf"
           "b",
           "1:a;2:\xef\xbb\xbf"
           "b;");
    expect("a\xc3\xa4\n", "1:a\xc3\xa4;");
    expect("\n# only\n \t", "");
}

Test(line_reader, what_cannot_be_a_url_is_told_with_its_reason)
{
    expect("a\n\xff\nb\x01\x7f\nc", "1:a;2!not UTF-8;3!a control character in it;4:c;");
    expect("d\x7f", "1!a control character in it;");
    expect_of(slice_make("a\0b\nc", 5), "1!a control character in it;2:c;");
}

Test(line_reader, nothing_gives_nothing)
{
    take_all(false);
    take_all(true);
    cr_assert(eq(sz, seen.len, 0));
}

/* A line of `len` bytes, and what is around it. */
static void feed_long(size_t len, char byte, size_t size)
{
    static char text[200 << 10];
    cr_assert(len + 4 < sizeof text);
    memset(text, byte, sizeof text);
    memcpy(text, "a\n", 2);
    memcpy(text + 2 + len, "\nb", 2);
    feed(slice_make(text, len + 4), size);
}

Test(line_reader, a_line_may_be_so_long_and_no_longer)
{
    static const size_t sizes[] = {1 << 10, 5000, 64 << 10, 190 << 10};
    for (size_t i = 0; i < 4; i++) {
        close_reader();
        open_reader();
        feed_long(LINE_MAX_BYTES, 'x', sizes[i]);
        cr_assert(eq(sz, seen.len, LINE_MAX_BYTES + strlen("1:a;2:;3:b;")));
        for (size_t more = 1; more < 160 << 10; more = more * 5 + 1) {
            close_reader();
            open_reader();
            feed_long(LINE_MAX_BYTES + more, 'x', sizes[i]);
            cr_assert(
                eq(str, (char *)buffer_text(&seen), "1:a;2!longer than 32 KiB;3:b;"),
                "%zu more in pieces of %zu", more, sizes[i]);
        }
    }
}

Test(line_reader, a_long_comment_and_long_white_space_are_left_out_too)
{
    feed_long(150 << 10, '#', 4096);
    cr_assert(eq(str, (char *)buffer_text(&seen), "1:a;3:b;"));
    close_reader();
    open_reader();
    feed_long(150 << 10, ' ', 4096);
    cr_assert(eq(str, (char *)buffer_text(&seen), "1:a;3:b;"));
}

Test(line_reader, of_a_long_line_little_is_held)
{
    static char piece[4096];
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 1000; i++) {
        buffer_append(line_reader_buffer(&reader), piece, sizeof piece);
        take_all(false);
        cr_assert(reader.bytes.len - reader.at <= 2 * LINE_MAX_BYTES + sizeof piece);
    }
    take_all(true);
    cr_assert(eq(str, (char *)buffer_text(&seen), "1!longer than 32 KiB;"));
}
