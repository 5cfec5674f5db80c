/* SPDX-License-Identifier: Apache-2.0 */
/* The screen: asks each interval, draws what came, takes keys meanwhile. Signals come by
 * a descriptor, so whatever ends it goes through one place that gives the terminal back.
 * Called by top.c. */
#include "top/top_state.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "fetch/probe.h"
#include "top/top_draw.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SCREEN_MAX = 1 << 20, CTRL_C = 3, CTRL_D = 4, CTRL_Z = 26 };

struct screen {
    const struct top_setup *setup;
    struct probe *probe;
    struct top_news *news;
    struct terminal terminal;
    struct buffer text;
    int signals;
    struct top_look look;
    uint64_t next_ms; /* when to ask again */
    bool is_over;
    bool has_lost_it; /* the terminal is gone */
};

static void draw(struct screen *screen)
{
    struct buffer lines;
    struct terminal_size size = terminal_size_of(STDOUT_FILENO);
    screen->look.columns = size.columns;
    screen->look.rows = size.rows;
    const struct error *trouble = &screen->news->trouble;
    screen->look.trouble = trouble->kind != ERROR_NONE ? trouble->text : NULL;
    buffer_init(&lines, SCREEN_MAX);
    buffer_clear(&screen->text);
    top_draw(&lines, top_view(screen->news), &screen->news->change, &screen->look);
    buffer_append_text(&screen->text, "\033[H");
    for (size_t i = 0; i < lines.len; i++) {
        if (lines.data[i] != '\n')
            buffer_append_byte(&screen->text, lines.data[i]);
        else if (i + 1 < lines.len) /* the last one must not scroll */
            buffer_append_text(&screen->text, "\033[K\r\n");
    }
    buffer_append_text(&screen->text, "\033[J");
    buffer_done(&lines);
    if (!terminal_write(STDOUT_FILENO, buffer_slice(&screen->text)))
        screen->is_over = screen->has_lost_it = true;
}

static void suspend(struct screen *screen)
{
    struct error err = {0};
    if (!terminal_suspend(&screen->terminal, &err))
        screen->is_over = screen->has_lost_it = true;
}

static void scroll(struct screen *screen, int by)
{
    const struct live_view *view = top_view(screen->news);
    size_t count = view ? view->origin_count : 0;
    if (by < 0 && screen->look.skip > 0)
        screen->look.skip--;
    else if (by > 0 && screen->look.skip + 1 < count)
        screen->look.skip++;
}

static void take_key(struct screen *screen, char key)
{
    switch (key) {
    case 'q':
    case CTRL_C:
    case CTRL_D:
        screen->is_over = true;
        break;
    case CTRL_Z:
        suspend(screen);
        break;
    case 'r':
        screen->look.is_reversed = !screen->look.is_reversed;
        break;
    case 'j':
        scroll(screen, 1);
        break;
    case 'k':
        scroll(screen, -1);
        break;
    default:
        if (top_sort_of_key(key, &screen->look.sort))
            screen->look.skip = 0;
        break;
    }
}

/* The cursor keys are ESC [ A and B; any other sequence is thrown away as it came. */
static void read_keys(struct screen *screen)
{
    char keys[64];
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, 0) != 1)
        return;
    ssize_t count = read(STDIN_FILENO, keys, sizeof keys);
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) {
        screen->is_over = screen->has_lost_it = true;
        return;
    }
    if (count >= 3 && keys[0] == '\033') {
        if (keys[2] == 'A' || keys[2] == 'B')
            scroll(screen, keys[2] == 'B' ? 1 : -1);
        return;
    }
    for (ssize_t i = 0; i < count; i++)
        take_key(screen, keys[i]);
}

static void read_signals(struct screen *screen)
{
    struct signalfd_siginfo info;
    while (read(screen->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo != SIGWINCH)
            screen->is_over = true;
    }
}

static bool open_signals(struct screen *screen)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&set, numbers[i]);
    signal(SIGPIPE, SIG_IGN);
    screen->signals = sigprocmask(SIG_BLOCK, &set, NULL) == 0
                          ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)
                          : -1;
    return screen->signals >= 0;
}

static void turn(struct screen *screen)
{
    const int fds[] = {STDIN_FILENO, screen->signals};
    uint64_t now_ms = clock_now_ms();
    if (!probe_is_asking(screen->probe) && now_ms >= screen->next_ms) {
        probe_send(screen->probe);
        screen->next_ms = now_ms + screen->setup->interval_ms;
    }
    int wait_ms =
        probe_is_asking(screen->probe) ? TOP_TIMEOUT_MS : (int)(screen->next_ms - now_ms);
    enum probe_event event = probe_wait(screen->probe, fds, 2, wait_ms);
    if (event == PROBE_ANSWERED)
        (void)top_take(screen->news, screen->setup, screen->probe);
    else if (event == PROBE_FAILED)
        top_miss(screen->news, screen->setup, screen->probe);
    read_signals(screen);
    read_keys(screen);
}

int top_screen_run(const struct top_setup *setup, struct probe *probe,
                   struct top_news *news)
{
    struct error err = {0};
    struct screen screen = {
        .setup = setup,
        .probe = probe,
        .news = news,
        .look = {.has_colours = terminal_has_colours(STDOUT_FILENO),
                 .address = setup->address},
    };
    buffer_init(&screen.text, SCREEN_MAX);
    if (!open_signals(&screen) ||
        !terminal_take(&screen.terminal, STDIN_FILENO, STDOUT_FILENO, &err)) {
        fprintf(stderr, "gatherd top: %s\n", *err.text ? err.text : "no signals");
        return TOP_FAILED;
    }
    while (!screen.is_over) {
        draw(&screen);
        if (!screen.is_over)
            turn(&screen);
    }
    terminal_release(&screen.terminal);
    buffer_done(&screen.text);
    close(screen.signals);
    return screen.has_lost_it ? TOP_FAILED : TOP_FINE;
}
