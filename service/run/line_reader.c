/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of line_reader.h. Called by run_list.c. */
#include "run/line_reader.h"

#include "base/utf8.h"

#include <string.h>

void line_reader_init(struct line_reader *reader, size_t max)
{
    *reader = (struct line_reader){.at = 0};
    buffer_init(&reader->bytes, max);
}

void line_reader_done(struct line_reader *reader)
{
    buffer_done(&reader->bytes);
}

struct buffer *line_reader_buffer(struct line_reader *reader)
{
    struct buffer *bytes = &reader->bytes;
    if (reader->at > 0) {
        memmove(bytes->data, bytes->data + reader->at, bytes->len - reader->at);
        bytes->len -= reader->at;
        reader->seen -= reader->at;
        reader->at = 0;
    }
    return bytes;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct slice trim(struct slice text)
{
    while (text.len && is_blank(*text.data))
        text = slice_make(text.data + 1, text.len - 1);
    while (text.len && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

static const char *fault_of(struct slice text)
{
    if (text.len > LINE_MAX_BYTES)
        return "longer than 32 KiB";
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return "a control character in it";
    }
    return utf8_is_valid(text) ? NULL : "not UTF-8";
}

/* What the line that begins at `at` and is `len` bytes long means. */
static struct line read_line(struct line_reader *reader, size_t len)
{
    struct slice text = slice_make(reader->bytes.data + reader->at, len);
    struct line line = {.number = ++reader->number};
    if (line.number == 1 && text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = slice_make(text.data + 3, text.len - 3);
    text = trim(text);
    if (text.len == 0 || *text.data == '#')
        return line;
    line.fault = fault_of(text);
    line.kind = line.fault ? LINE_FAULTY : LINE_URL;
    line.text = text;
    return line;
}

static void take(struct line_reader *reader, size_t len)
{
    reader->at += len;
    reader->seen = reader->at;
    reader->taken += len;
}

/* A line is under way that is too long: what there is of it is judged, and the rest of it
 * is skipped. */
static struct line cut_line(struct line_reader *reader)
{
    struct line line = read_line(reader, reader->bytes.len - reader->at);
    reader->is_skipping = true;
    take(reader, reader->bytes.len - reader->at);
    return line;
}

struct line line_reader_next(struct line_reader *reader, bool is_end)
{
    const struct buffer *bytes = &reader->bytes;
    while (reader->at < bytes->len) {
        const char *start = bytes->data + reader->at;
        const char *newline =
            memchr(bytes->data + reader->seen, '\n', bytes->len - reader->seen);
        size_t len = newline ? (size_t)(newline - start) : bytes->len - reader->at;
        if (reader->is_skipping) {
            reader->is_skipping = !newline;
            take(reader, len + (newline != NULL));
            continue;
        }
        if (!newline && !is_end) {
            reader->seen = bytes->len;
            if (len <= 2 * LINE_MAX_BYTES)
                break;
            struct line cut = cut_line(reader);
            if (cut.kind != LINE_NONE)
                return cut;
            continue;
        }
        struct line line = read_line(reader, len);
        take(reader, len + (newline != NULL));
        if (line.kind != LINE_NONE)
            return line;
    }
    return (struct line){.kind = LINE_NONE};
}
