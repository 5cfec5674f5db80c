/* SPDX-License-Identifier: Apache-2.0 */
/* The line of run_progress.h. Called by run_screen.c, some times a second. */
#include "run/run_progress.h"

#include "base/terminal_text.h"
#include "run/run_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    PACE_MS = 3000, /* what is longer ago hardly counts */
    BAR_MAX = 30,
    BAR_MIN = 8,
    PARTS_MAX = 10,
    PART_SIZE = 96,
};

void run_pace_note(struct run_pace *pace, uint64_t done, double elapsed_ms)
{
    double span_ms = elapsed_ms - pace->at_ms;
    if (span_ms <= 0)
        return;
    double now = (double)(done - pace->done) * 1000 / span_ms;
    double weight = pace->is_set ? span_ms / (span_ms + PACE_MS) : 1;
    *pace = (struct run_pace){.at_ms = elapsed_ms,
                              .done = done,
                              .is_set = true,
                              .per_second =
                                  pace->per_second + weight * (now - pace->per_second)};
}

uint64_t run_progress_estimate(uint64_t started, uint64_t taken, uint64_t size)
{
    if (taken == 0 || size == 0 || started == 0)
        return 0;
    uint64_t total = (uint64_t)((double)started * (double)size / (double)taken + 0.5);
    return total > started ? total : started;
}

struct part {
    char text[PART_SIZE];
    enum run_colour colour;
    int rank; /* the highest is left out first */
    bool is_out;
};

struct parts {
    struct part list[PARTS_MAX];
    int count;
};

static void add(struct parts *parts, int rank, enum run_colour colour, const char *format,
                ...) PRINTF_LIKE(4, 5);

static void add(struct parts *parts, int rank, enum run_colour colour, const char *format,
                ...)
{
    struct part *part = &parts->list[parts->count++];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(part->text, sizeof part->text, format, arguments);
    va_end(arguments);
    part->rank = rank;
    part->colour = colour;
}

static double share_of(const struct run_figures *figures)
{
    double share = (double)figures->done / (double)figures->total;
    return share < 1 ? share : 1;
}

static void add_how_far(struct parts *parts, const struct run_figures *figures)
{
    char done[RUN_TEXT_MAX];
    char total[RUN_TEXT_MAX];
    run_text_count(figures->done, done);
    run_text_count(figures->total, total);
    if (figures->total > 0) {
        /* Only what is whole is 100 %. */
        add(parts, 3, COLOUR_NONE, "%3d%%", (int)(share_of(figures) * 100));
        add(parts, 0, COLOUR_NONE, "%s/%s%s", done, figures->is_estimated ? "~" : "",
            total);
    } else {
        add(parts, 0, COLOUR_NONE, "%s done", done);
    }
}

static void add_how_long(struct parts *parts, const struct run_figures *figures,
                         double per_second)
{
    char span[RUN_TEXT_MAX];
    if (figures->is_ending) {
        add(parts, 1, COLOUR_NOTE, "ending");
    } else if (figures->is_waiting) {
        add(parts, 1, COLOUR_NOTE, "waiting for the reader");
    } else if (figures->total > figures->done && per_second > 0) {
        run_text_span((double)(figures->total - figures->done) * 1000 / per_second, span);
        add(parts, 1, COLOUR_NONE, "ETA %s", span);
    } else {
        run_text_span(figures->elapsed_ms, span);
        add(parts, 1, COLOUR_NONE, "%s", span);
    }
}

static void add_outcomes(struct parts *parts, const struct run_figures *figures)
{
    char count[RUN_TEXT_MAX];
    run_text_count(figures->ok, count);
    add(parts, 4, COLOUR_GOOD, "ok %s", count);
    if (figures->done > figures->ok) {
        run_text_count(figures->done - figures->ok, count);
        add(parts, 1, COLOUR_BAD, "failed %s", count);
    }
    run_text_count(figures->in_flight, count);
    add(parts, 5, COLOUR_FAINT, "in flight %s", count);
}

/* With two blanks between the parts. */
static int width_of(const struct parts *parts)
{
    int width = 0;
    for (int i = 0; i < parts->count; i++) {
        if (!parts->list[i].is_out)
            width += terminal_text_columns(slice_from(parts->list[i].text)) + 2;
    }
    return width > 0 ? width - 2 : 0;
}

static bool leave_one_out(struct parts *parts)
{
    struct part *worst = NULL;
    for (int i = 0; i < parts->count; i++) {
        struct part *part = &parts->list[i];
        if (!part->is_out && part->rank > 0 && (!worst || part->rank > worst->rank))
            worst = part;
    }
    if (worst)
        worst->is_out = true;
    return worst != NULL;
}

static void draw_part(struct buffer *out, const struct part *part, int columns,
                      bool has_colours)
{
    run_text_begin(out, part->colour, has_colours);
    terminal_text_append(out, slice_from(part->text), columns);
    run_text_end(out, part->colour, has_colours);
}

void run_progress_draw(struct buffer *out, const struct run_figures *figures,
                       double per_second, int columns, bool has_colours)
{
    char rate[RUN_TEXT_MAX];
    struct parts parts = {.count = 0};
    add_how_far(&parts, figures);
    run_text_count((uint64_t)(per_second + 0.5), rate);
    add(&parts, 2, COLOUR_NONE, "%s/s", rate);
    add_outcomes(&parts, figures);
    add_how_long(&parts, figures, per_second);
    while (width_of(&parts) > columns && leave_one_out(&parts))
        continue;
    int room = columns - width_of(&parts) - 2;
    if (figures->total > 0 && room >= BAR_MIN) {
        run_text_begin(out, COLOUR_GOOD, has_colours);
        terminal_text_bar(out, share_of(figures), room < BAR_MAX ? room : BAR_MAX);
        run_text_end(out, COLOUR_GOOD, has_colours);
        buffer_append_text(out, "  ");
    }
    bool is_first = true;
    for (int i = 0; i < parts.count; i++) {
        if (parts.list[i].is_out)
            continue;
        buffer_append_text(out, is_first ? "" : "  ");
        draw_part(out, &parts.list[i], columns, has_colours);
        is_first = false;
    }
}

static void append_codes(struct buffer *out, const uint64_t codes[CALL_CODE_COUNT])
{
    char count[RUN_TEXT_MAX];
    const char *separator = ": ";
    for (int code = CALL_OK + 1; code < CALL_CODE_COUNT; code++) {
        if (codes[code] == 0)
            continue;
        run_text_count(codes[code], count);
        buffer_append_format(out, "%s%s %s", separator,
                             call_code_row((enum call_code)code)->name, count);
        separator = ", ";
    }
}

void run_progress_summary(struct buffer *out, const struct run_figures *figures,
                          const uint64_t codes[CALL_CODE_COUNT], bool has_colours)
{
    char count[RUN_TEXT_MAX];
    char span[RUN_TEXT_MAX];
    char rate[RUN_TEXT_MAX];
    double seconds = figures->elapsed_ms / 1000;
    run_text_count(figures->done, count);
    run_text_span(figures->elapsed_ms, span);
    run_text_count(seconds > 0 ? (uint64_t)((double)figures->done / seconds + 0.5) : 0,
                   rate);
    buffer_append_format(out, "%s item%s in %s (%s/s): ", count,
                         figures->done == 1 ? "" : "s", span, rate);
    run_text_count(figures->ok, count);
    run_text_begin(out, COLOUR_GOOD, has_colours);
    buffer_append_format(out, "%s ok", count);
    run_text_end(out, COLOUR_GOOD, has_colours);
    if (figures->done > figures->ok) {
        run_text_count(figures->done - figures->ok, count);
        buffer_append_text(out, ", ");
        run_text_begin(out, COLOUR_BAD, has_colours);
        buffer_append_format(out, "%s failed", count);
        run_text_end(out, COLOUR_BAD, has_colours);
        append_codes(out, codes);
    }
    buffer_append_byte(out, '\n');
}
