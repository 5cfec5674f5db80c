/* SPDX-License-Identifier: Apache-2.0 */
/* Control sequences are ECMA-48's SGR; nothing else is ever written. Called by
 * top_draw.c. */
#include "top/pen.h"

#include "base/terminal_text.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const starts[] = {
    [PEN_PLAIN] = "",        [PEN_BOLD] = "\033[1m",  [PEN_FAINT] = "\033[2m",
    [PEN_GOOD] = "\033[32m", [PEN_NOTE] = "\033[33m", [PEN_BAD] = "\033[31m",
    [PEN_HEAD] = "\033[7m",
};

static void begin(struct pen *pen, enum pen_style style)
{
    if (pen->has_colours)
        buffer_append_text(pen->out, starts[style]);
}

static void end(struct pen *pen, enum pen_style style)
{
    if (pen->has_colours && style != PEN_PLAIN)
        buffer_append_text(pen->out, "\033[0m");
}

void pen_put(struct pen *pen, enum pen_style style, struct slice text)
{
    if (pen->left <= 0 || pen_is_full(pen))
        return;
    begin(pen, style);
    pen->left -= terminal_text_append(pen->out, text, pen->left);
    end(pen, style);
}

void pen_field(struct pen *pen, enum pen_style style, struct slice text, int columns,
               bool is_right)
{
    int room = columns < pen->left ? columns : pen->left;
    if (room <= 0 || pen_is_full(pen))
        return;
    begin(pen, style);
    terminal_text_pad(pen->out, text, room, is_right);
    end(pen, style);
    pen->left -= room;
}

void pen_format(struct pen *pen, enum pen_style style, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pen_put(pen, style, slice_from(text));
}

void pen_bar(struct pen *pen, enum pen_style style, double share, int columns)
{
    int room = columns < pen->left ? columns : pen->left;
    if (room <= 0 || pen_is_full(pen))
        return;
    begin(pen, style);
    terminal_text_bar(pen->out, share, room);
    end(pen, style);
    pen->left -= room;
}

void pen_end(struct pen *pen, enum pen_style style)
{
    if (pen_is_full(pen))
        return;
    if (style == PEN_HEAD && pen->has_colours)
        pen_field(pen, style, slice_from(""), pen->left, false);
    buffer_append_byte(pen->out, '\n');
    pen->left = pen->columns;
    pen->lines++;
}
