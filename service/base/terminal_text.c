/* SPDX-License-Identifier: Apache-2.0 */
/* Columns by ranges of code points, coarser than Unicode's table (UAX #11): what is said
 * to be wide is wide in every terminal, the rest is a matter of its font anyway. Whoever
 * draws a table or a bar in a terminal calls this. */
#include "base/terminal_text.h"

#include "base/utf8.h"

#include <limits.h>

struct range {
    unsigned from;
    unsigned to;
};

/* C0, DEL and C1 controls; what shows nothing, joins, or turns the direction. */
static const struct range unsafe[] = {
    {0x0, 0x1f},       {0x7f, 0x9f},     {0xad, 0xad},     {0x300, 0x36f},
    {0x483, 0x489},    {0x591, 0x5c7},   {0x610, 0x61a},   {0x61c, 0x61c},
    {0x64b, 0x65f},    {0x1160, 0x11ff}, {0x180b, 0x180e}, {0x200b, 0x200f},
    {0x2028, 0x202e},  {0x2060, 0x206f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f},  {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0x1f3fb, 0x1f3ff},
    {0xe0000, 0xe0fff}};

/* Wide or full width (UAX #11), by block. */
static const struct range wide[] = {
    {0x1100, 0x115f},  {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97c},
    {0xac00, 0xd7a3},  {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6},  {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x20000, 0x3fffd}};

static bool is_among(const struct range *ranges, size_t count, unsigned code)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].from && code <= ranges[i].to)
            return true;
    }
    return false;
}

struct glyph {
    size_t bytes; /* of the text */
    int columns;
    bool is_shown; /* else as "?" */
};

static unsigned decode(const char *text, size_t len)
{
    static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned code = (unsigned char)text[0] & lead[len];
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    return code;
}

static struct glyph look(struct slice text)
{
    size_t bytes = utf8_sequence(text.data, text.len);
    if (bytes == 0)
        return (struct glyph){.bytes = 1, .columns = 1};
    unsigned code = decode(text.data, bytes);
    bool is_unsafe = is_among(unsafe, sizeof unsafe / sizeof *unsafe, code);
    bool is_wide = is_among(wide, sizeof wide / sizeof *wide, code);
    return (struct glyph){
        .bytes = bytes, .columns = !is_unsafe && is_wide ? 2 : 1, .is_shown = !is_unsafe};
}

static struct slice rest_of(struct slice text, size_t bytes)
{
    return slice_make(text.data + bytes, text.len - bytes);
}

/* The bytes of `text` that take at most `columns`, and what they take. */
static size_t fitting(struct slice text, int columns, int *ret_taken)
{
    size_t bytes = 0;
    int taken = 0;
    while (bytes < text.len) {
        struct glyph glyph = look(rest_of(text, bytes));
        if (glyph.columns > columns - taken)
            break;
        bytes += glyph.bytes;
        taken += glyph.columns;
    }
    *ret_taken = taken;
    return bytes;
}

int terminal_text_columns(struct slice text)
{
    int taken;
    (void)fitting(text, INT_MAX, &taken);
    return taken;
}

int terminal_text_append(struct buffer *out, struct slice text, int columns)
{
    int taken;
    size_t bytes = fitting(text, columns, &taken);
    bool is_cut = bytes < text.len && columns > 0;
    if (is_cut)
        bytes = fitting(text, columns - 1, &taken);
    for (size_t at = 0; at < bytes;) {
        struct glyph glyph = look(rest_of(text, at));
        if (glyph.is_shown)
            buffer_append(out, text.data + at, glyph.bytes);
        else
            buffer_append_byte(out, '?');
        at += glyph.bytes;
    }
    if (is_cut)
        buffer_append_text(out, "…");
    return taken + is_cut;
}

static void append_spaces(struct buffer *out, int count)
{
    for (; count > 0; count--)
        buffer_append_byte(out, ' ');
}

void terminal_text_pad(struct buffer *out, struct slice text, int columns, bool is_right)
{
    int before = is_right ? columns - terminal_text_columns(text) : 0;
    if (before < 0)
        before = 0;
    append_spaces(out, before);
    int taken = terminal_text_append(out, text, columns - before);
    append_spaces(out, columns - before - taken);
}

void terminal_text_bar(struct buffer *out, double share, int columns)
{
    static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (columns <= 0)
        return;
    double clean = share > 1 ? 1 : share > 0 ? share : 0; /* NaN is none */
    int eighths = (int)(clean * columns * 8 + 0.5);
    for (int i = 0; i < eighths / 8; i++)
        buffer_append_text(out, "█");
    buffer_append_text(out, parts[eighths % 8]);
    append_spaces(out, columns - eighths / 8 - (eighths % 8 ? 1 : 0));
}
