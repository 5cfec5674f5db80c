/* SPDX-License-Identifier: Apache-2.0 */
/* Asking, and showing as text or as documents; the screen is top_screen.c's. Called by
 * command_top.c. */
#include "top/top.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/terminal.h"
#include "base/terminal_text.h"
#include "fetch/probe.h"
#include "top/top_draw.h"
#include "top/top_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20 };

static bool read_answer(struct top_news *news, unsigned place, const struct probe *probe)
{
    char detail[256];
    int status = probe_status(probe);
    if (status == 200)
        return live_view_parse(probe_body(probe), &news->views[place], &news->trouble);
    if (live_view_problem(probe_body(probe), detail, sizeof detail))
        return error_set(&news->trouble, ERROR_INVALID, "status %d: %s", status, detail);
    return error_set(&news->trouble, ERROR_INVALID, "status %d", status);
}

bool top_take(struct top_news *news, const struct top_setup *setup,
              const struct probe *probe)
{
    unsigned next = 1 - news->now;
    if (!read_answer(news, next, probe)) {
        error_prefix(&news->trouble, "%s", setup->address);
        return false;
    }
    news->now = next;
    news->count = news->count < 2 ? news->count + 1 : 2;
    live_change_make(news->count == 2 ? &news->views[1 - next] : NULL, &news->views[next],
                     &news->change);
    news->trouble.kind = ERROR_NONE;
    return true;
}

void top_miss(struct top_news *news, const struct top_setup *setup,
              const struct probe *probe)
{
    error_set(&news->trouble, ERROR_SYSTEM, "no answer from %s: %s", setup->address,
              probe_fault(probe));
}

const struct live_view *top_view(const struct top_news *news)
{
    return news->count > 0 ? &news->views[news->now] : NULL;
}

/* ---------------------------------------------------------------------------- as text */

static bool ask(const struct top_setup *setup, struct probe *probe, struct top_news *news)
{
    enum probe_event event = PROBE_NOTHING;
    probe_send(probe);
    while (event == PROBE_NOTHING && probe_is_asking(probe))
        event = probe_wait(probe, NULL, 0, TOP_TIMEOUT_MS);
    if (event == PROBE_ANSWERED)
        return top_take(news, setup, probe);
    top_miss(news, setup, probe);
    return false;
}

static int fail(const struct top_news *news)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    buffer_append_text(&text, "gatherd top: ");
    (void)terminal_text_append(&text, slice_from(news->trouble.text),
                               sizeof news->trouble.text);
    buffer_append_byte(&text, '\n');
    (void)terminal_write(STDERR_FILENO, buffer_slice(&text));
    buffer_done(&text);
    return TOP_FAILED;
}

static void pause_ms(uint64_t ms)
{
    usleep((useconds_t)(ms * 1000));
}

static int show_once(const struct top_setup *setup, struct probe *probe,
                     struct top_news *news)
{
    if (!ask(setup, probe, news))
        return fail(news);
    pause_ms(setup->interval_ms);
    if (!ask(setup, probe, news))
        return fail(news);
    const struct top_look look = {
        .columns = terminal_size_of(STDOUT_FILENO).columns,
        .has_colours = terminal_has_colours(STDOUT_FILENO),
        .address = setup->address,
    };
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    top_draw(&text, top_view(news), &news->change, &look);
    bool is_written = !text.failed && terminal_write(STDOUT_FILENO, buffer_slice(&text));
    buffer_done(&text);
    return is_written ? TOP_FINE : TOP_FAILED;
}

/* The document ends in a newline, so each is a line. */
static int show_documents(const struct top_setup *setup, struct probe *probe,
                          struct top_news *news)
{
    for (;;) {
        if (!ask(setup, probe, news))
            return fail(news);
        if (!terminal_write(STDOUT_FILENO, probe_body(probe)))
            return TOP_FAILED;
        if (setup->is_once)
            return TOP_FINE;
        pause_ms(setup->interval_ms);
    }
}

int top_run(const struct top_setup *setup)
{
    struct probe *probe =
        probe_new(setup->url, setup->unix_path, TOP_TIMEOUT_MS, TOP_DOCUMENT_MAX);
    if (!probe) {
        fprintf(stderr, "gatherd top: libcurl has no memory\n");
        return TOP_FAILED;
    }
    struct top_news *news = memory_new(sizeof *news);
    int status;
    if (setup->is_json)
        status = show_documents(setup, probe, news);
    else if (setup->is_once || !terminal_is_screen(STDOUT_FILENO) ||
             !isatty(STDIN_FILENO))
        status = show_once(setup, probe, news);
    else
        status = top_screen_run(setup, probe, news);
    free(news);
    probe_free(probe);
    return status;
}
