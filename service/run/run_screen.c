/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing on standard error. Where standard output is the same terminal the bar goes
 * through its writer, so that it stands behind the lines of results and not among them.
 * Called by run.c. */
#include "run/run_screen.h"

#include "base/memory.h"
#include "base/terminal.h"
#include "run/run_output.h"
#include "run/run_state.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 1024, LABEL_SIZE = 256, DRAWING_MAX = 1 << 20 };

static const char clear_line[] = "\r\033[K";

void run_screen_open(struct run_screen *screen, struct run_output *output,
                     bool shows_waterfall)
{
    *screen = (struct run_screen){.output = output};
    screen->is_shared = isatty(STDOUT_FILENO) && isatty(STDERR_FILENO);
    screen->has_colours = terminal_has_colours(STDERR_FILENO);
    if (shows_waterfall)
        screen->bars = memory_new(RUN_WATERFALL_MAX * sizeof *screen->bars);
}

void run_screen_close(struct run_screen *screen)
{
    for (size_t i = 0; i < screen->bar_count; i++)
        free((char *)(uintptr_t)screen->bars[i].label.data);
    free(screen->bars);
}

void run_screen_note(struct run_screen *screen, const struct run_ended *ended)
{
    if (!screen->bars)
        return;
    if (screen->bar_count == RUN_WATERFALL_MAX) {
        screen->left_out++;
        return;
    }
    struct slice url = ended->item->url;
    size_t len = url.len < LABEL_SIZE ? url.len : LABEL_SIZE;
    char *label = memory_new(len + 1);
    memcpy(label, url.data, len);
    struct run_bar *bar = &screen->bars[screen->bar_count++];
    *bar = (struct run_bar){
        .label = slice_make(label, len),
        .code = ended->code,
        .status = ended->code == CALL_OK ? ended->outcome->status : 0,
        .start_ms = ended->start_ms,
        .timing = ended->outcome->timing,
    };
    bar->timing.http_version = NULL;
    bar->timing.remote_address = NULL;
}

/* A terminal that was stopped (Ctrl-S) must not stop the run: the next bar will do. */
static bool has_room(void)
{
    struct pollfd wanted = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLOUT);
}

static void show(struct run_screen *screen, struct slice text)
{
    if (screen->is_shared)
        buffer_append(&screen->output->out, text.data, text.len);
    else if (has_room())
        (void)terminal_write(STDERR_FILENO, text);
}

void run_screen_clear(struct run_screen *screen)
{
    if (screen->is_drawn)
        show(screen, slice_from(clear_line));
    screen->is_drawn = false;
}

void run_screen_draw(struct run_screen *screen, const struct run_figures *figures)
{
    char text[LINE_SIZE];
    struct buffer out = {.data = text, .cap = sizeof text, .max = sizeof text};
    run_pace_note(&screen->pace, figures->done, figures->elapsed_ms);
    buffer_append_text(&out, clear_line);
    /* The last column stays free: some terminals go to the next line behind it. */
    run_progress_draw(&out, figures, screen->pace.per_second,
                      terminal_size_of(STDERR_FILENO).columns - 1, screen->has_colours);
    show(screen, buffer_slice(&out));
    screen->is_drawn = true;
}

void run_screen_waterfall(struct run_screen *screen)
{
    struct buffer out;
    if (screen->bar_count == 0)
        return;
    buffer_init(&out, DRAWING_MAX);
    run_waterfall_draw(&out, screen->bars, screen->bar_count, screen->left_out,
                       terminal_size_of(STDERR_FILENO).columns, screen->has_colours);
    (void)terminal_write(STDERR_FILENO, buffer_slice(&out));
    buffer_done(&out);
}
