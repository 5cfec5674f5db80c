/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of run_table.h. Called by run_output.c for every item. */
#include "run/run_table.h"

#include "base/terminal_text.h"
#include "run/run_text.h"

#include <limits.h>
#include <stdio.h>

enum {
    ID_COLUMNS = 8,
    STATUS_COLUMNS = 6,
    FIGURE_COLUMNS = 10,
    FIXED_COLUMNS = ID_COLUMNS + STATUS_COLUMNS + 2 * FIGURE_COLUMNS + 4,
    LEAST_COLUMNS = 20, /* for the rest, however narrow the terminal */
    NO_LIMIT = INT_MAX / 2,
};

static int rest_columns(int columns)
{
    if (columns == 0)
        return NO_LIMIT;
    int rest = columns - FIXED_COLUMNS;
    return rest > LEAST_COLUMNS ? rest : LEAST_COLUMNS;
}

static void append_cell(struct buffer *out, const char *text, int columns)
{
    buffer_append_byte(out, ' ');
    terminal_text_pad(out, slice_from(text), columns, true);
}

/* A long id is kept whole where lines are not cut. */
static void append_id(struct buffer *out, struct slice id, int columns)
{
    if (columns == 0 && terminal_text_columns(id) > ID_COLUMNS)
        terminal_text_append(out, id, NO_LIMIT);
    else
        terminal_text_pad(out, id, ID_COLUMNS, true);
}

void run_table_head(struct buffer *out, int columns, bool has_colours)
{
    run_text_begin(out, COLOUR_FAINT, has_colours);
    append_id(out, slice_from("id"), columns);
    append_cell(out, "status", STATUS_COLUMNS);
    append_cell(out, "time", FIGURE_COLUMNS);
    append_cell(out, "size", FIGURE_COLUMNS);
    buffer_append_text(out, " url");
    run_text_end(out, COLOUR_FAINT, has_colours);
    buffer_append_byte(out, '\n');
}

/* "URL  code: message", of which the code is never cut and the URL keeps half. */
static void append_rest(struct buffer *out, const struct run_row *row, int columns,
                        bool has_colours)
{
    if (row->code == CALL_OK) {
        terminal_text_append(out, row->url, columns);
        return;
    }
    struct slice code = slice_from(call_code_row(row->code)->name);
    int url = terminal_text_columns(row->url);
    int most = columns - 2 - (int)code.len;
    if (most < columns / 2)
        most = columns / 2;
    int left = columns - terminal_text_append(out, row->url, url < most ? url : most) - 2;
    buffer_append_text(out, "  ");
    run_text_begin(out, COLOUR_BAD, has_colours);
    left -= terminal_text_append(out, code, left > 1 ? left : 1);
    run_text_end(out, COLOUR_BAD, has_colours);
    if (row->message.len == 0 || left < 6)
        return;
    buffer_append_text(out, ": ");
    terminal_text_append(out, row->message, left - 2);
}

void run_table_row(struct buffer *out, const struct run_row *row, int columns,
                   bool has_colours)
{
    char text[RUN_TEXT_MAX];
    enum run_colour colour = run_text_colour(row->code, row->status);
    append_id(out, row->id, columns);
    snprintf(text, sizeof text, row->status > 0 ? "%d" : "-", row->status);
    run_text_begin(out, colour, has_colours);
    append_cell(out, text, STATUS_COLUMNS);
    run_text_end(out, colour, has_colours);
    run_text_ms(row->total_ms, text);
    append_cell(out, text, FIGURE_COLUMNS);
    run_text_bytes(row->bytes, text);
    append_cell(out, text, FIGURE_COLUMNS);
    buffer_append_byte(out, ' ');
    append_rest(out, row, rest_columns(columns), has_colours);
    buffer_append_byte(out, '\n');
}
