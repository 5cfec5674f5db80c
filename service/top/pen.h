/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of an exact width, in colour or not. Pure. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>

enum pen_style {
    PEN_PLAIN,
    PEN_BOLD,
    PEN_FAINT,
    PEN_GOOD,
    PEN_NOTE,
    PEN_BAD,
    PEN_HEAD, /* of a table */
};

struct pen {
    struct buffer *out;
    int columns;
    bool has_colours;
    int left;      /* columns of the line */
    int lines;     /* that were ended */
    int lines_max; /* further ones are left out; 0: no limit */
};

static inline bool pen_is_full(const struct pen *pen)
{
    return pen->lines_max > 0 && pen->lines >= pen->lines_max;
}

/* pen_put appends as much of `text` as fits into the line; others' bytes are made
 * harmless (base/terminal_text.h). pen_field: in exactly `columns`, if there are so many.
 */
void pen_put(struct pen *pen, enum pen_style style, struct slice text);
void pen_field(struct pen *pen, enum pen_style style, struct slice text, int columns,
               bool is_right);
void pen_format(struct pen *pen, enum pen_style style, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* pen_bar draws base/terminal_text.h's bar. */
void pen_bar(struct pen *pen, enum pen_style style, double share, int columns);
/* pen_end ends the line; a heading is filled up to the edge. */
void pen_end(struct pen *pen, enum pen_style style);
