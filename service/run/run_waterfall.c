/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of run_waterfall.h: label, status, bar, time. Called by run_screen.c at the
 * end of a run. */
#include "run/run_waterfall.h"

#include "base/terminal_text.h"
#include "run/run_text.h"

#include <stdio.h>
#include <string.h>

enum { PHASES = 4, STATUS_COLUMNS = 4, TIME_COLUMNS = 10, LABEL_MAX = 48, BAR_MIN = 10 };

/* Told apart without colours too. */
static const struct {
    const char *mark;
    const char *colour;
    const char *name;
} phases[PHASES] = {
    {"·", "\033[2m", "waiting to start"},
    {"░", "\033[36m", "name, connection, TLS"},
    {"▒", "\033[34m", "request, first byte"},
    {"█", "\033[32m", "body"},
};

static double positive(double ms)
{
    return ms > 0 ? ms : 0;
}

/* Where each phase ends, since the start of the run. */
static void find_ends(const struct run_bar *bar, double ends[PHASES])
{
    const struct call_timing *timing = &bar->timing;
    double at = positive(bar->start_ms);
    ends[0] = at += positive(timing->blocked);
    ends[1] = at +=
        positive(timing->dns) + positive(timing->connect) + positive(timing->ssl);
    ends[2] = at += positive(timing->send) + positive(timing->wait);
    ends[3] = at + positive(timing->receive);
    /* What no phase tells of (tries before the last one) is waiting for an answer. */
    double end = positive(bar->start_ms) + positive(timing->total);
    if (end > ends[3]) {
        ends[2] += end - ends[3];
        ends[3] = end;
    }
}

static int column_of(double ms, double scale_ms, int columns)
{
    int column = (int)(ms / scale_ms * columns + 0.5);
    return column < columns ? column : columns;
}

/* Every item has at least one column. */
static void draw_bar(struct buffer *out, const struct run_bar *bar, double scale_ms,
                     int columns, bool has_colours)
{
    double ends[PHASES];
    find_ends(bar, ends);
    int at = column_of(positive(bar->start_ms), scale_ms, columns);
    int last = column_of(ends[PHASES - 1], scale_ms, columns);
    if (at == columns)
        at--;
    if (last <= at)
        last = at + 1;
    for (int i = 0; i < at; i++)
        buffer_append_byte(out, ' ');
    for (int phase = 0; phase < PHASES; phase++) {
        int end = phase == PHASES - 1 ? last : column_of(ends[phase], scale_ms, columns);
        if (end <= at)
            continue;
        buffer_append_text(out, has_colours ? phases[phase].colour : "");
        for (; at < end; at++)
            buffer_append_text(out, phases[phase].mark);
        buffer_append_text(out, has_colours ? "\033[0m" : "");
    }
    for (; at < columns; at++)
        buffer_append_byte(out, ' ');
}

static int label_columns(const struct run_bar *bars, size_t count, int columns)
{
    int most = columns / 3 < LABEL_MAX ? columns / 3 : LABEL_MAX;
    int widest = 0;
    for (size_t i = 0; i < count; i++) {
        int width = terminal_text_columns(bars[i].label);
        widest = width > widest ? width : widest;
    }
    return widest < most ? widest : most;
}

static double scale_of(const struct run_bar *bars, size_t count)
{
    double scale_ms = 0;
    double ends[PHASES];
    for (size_t i = 0; i < count; i++) {
        find_ends(&bars[i], ends);
        scale_ms = ends[PHASES - 1] > scale_ms ? ends[PHASES - 1] : scale_ms;
    }
    return scale_ms > 0 ? scale_ms : 1;
}

static void draw_line(struct buffer *out, const struct run_bar *bar, double scale_ms,
                      const int widths[2], bool has_colours)
{
    char text[RUN_TEXT_MAX];
    enum run_colour colour = run_text_colour(bar->code, bar->status);
    terminal_text_pad(out, bar->label, widths[0], false);
    snprintf(text, sizeof text, bar->status > 0 ? "%d" : "-", bar->status);
    run_text_begin(out, colour, has_colours);
    terminal_text_pad(out, slice_from(text), STATUS_COLUMNS, true);
    run_text_end(out, colour, has_colours);
    buffer_append_byte(out, ' ');
    draw_bar(out, bar, scale_ms, widths[1], has_colours);
    run_text_ms(bar->timing.total, text);
    terminal_text_pad(out, slice_from(text), TIME_COLUMNS, true);
    if (bar->code != CALL_OK)
        buffer_append_format(out, "  %s", call_code_row(bar->code)->name);
    buffer_append_byte(out, '\n');
}

void run_waterfall_draw(struct buffer *out, const struct run_bar *bars, size_t count,
                        size_t left_out, int columns, bool has_colours)
{
    char text[RUN_TEXT_MAX];
    double scale_ms = scale_of(bars, count);
    int label = label_columns(bars, count, columns);
    /* The longest name of a code has 18 columns. */
    int bar = columns - label - STATUS_COLUMNS - 1 - TIME_COLUMNS - 20;
    const int widths[2] = {label, bar > BAR_MIN ? bar : BAR_MIN};
    for (size_t i = 0; i < count; i++)
        draw_line(out, &bars[i], scale_ms, widths, has_colours);
    for (int i = 0; i < label + STATUS_COLUMNS + 1; i++)
        buffer_append_byte(out, ' ');
    run_text_ms(scale_ms, text);
    buffer_append_byte(out, '0');
    terminal_text_pad(out, slice_from(text), widths[1] - 1, true);
    buffer_append_byte(out, '\n');
    for (int phase = 0; phase < PHASES; phase++)
        buffer_append_format(out, "%s%s%s%s %s", phase ? "   " : "",
                             has_colours ? phases[phase].colour : "", phases[phase].mark,
                             has_colours ? "\033[0m" : "", phases[phase].name);
    buffer_append_byte(out, '\n');
    if (left_out > 0)
        buffer_append_format(out, "%zu more are not shown\n", left_out);
}
