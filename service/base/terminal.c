/* SPDX-License-Identifier: Apache-2.0 */
/* ioctl, termios and the few control sequences (ECMA-48 and xterm's private modes) that
 * every terminal in use knows; no terminfo. Used by commands, never by the service. */
#include "base/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_MIN = 20, COLUMNS_MAX = 1000, ROWS_MIN = 5, ROWS_MAX = 500 };

/* Another screen, cleared, no cursor, no wrapping at the edge; and all that undone. */
static const char screen_on[] = "\033[?1049h\033[2J\033[?25l\033[?7l";
static const char screen_off[] = "\033[0m\033[?7h\033[?25h\033[?1049l";

bool terminal_is_screen(int fd)
{
    const char *kind = getenv("TERM");
    return isatty(fd) && kind && *kind && strcmp(kind, "dumb") != 0;
}

bool terminal_has_colours(int fd)
{
    const char *none = getenv("NO_COLOR");
    return terminal_is_screen(fd) && !(none && *none);
}

static int between(long value, int low, int high)
{
    return value < low ? low : value > high ? high : (int)value;
}

static int from_environment(const char *name, int otherwise)
{
    const char *text = getenv(name);
    long value = text ? strtol(text, NULL, 10) : 0;
    return value > 0 ? between(value, 1, COLUMNS_MAX) : otherwise;
}

struct terminal_size terminal_size_of(int fd)
{
    struct winsize window = {0};
    if (ioctl(fd, TIOCGWINSZ, &window) != 0)
        memset(&window, 0, sizeof window);
    int columns = window.ws_col ? window.ws_col : from_environment("COLUMNS", 80);
    int rows = window.ws_row ? window.ws_row : from_environment("LINES", 24);
    return (struct terminal_size){.columns = between(columns, COLUMNS_MIN, COLUMNS_MAX),
                                  .rows = between(rows, ROWS_MIN, ROWS_MAX)};
}

bool terminal_write(int fd, struct slice text)
{
    while (text.len) {
        ssize_t written = write(fd, text.data, text.len);
        if (written > 0) {
            text = slice_make(text.data + written, text.len - (size_t)written);
        } else if (written < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = fd, .events = POLLOUT};
            (void)poll(&room, 1, -1);
        } else if (written == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

bool terminal_take(struct terminal *terminal, int in_fd, int out_fd, struct error *err)
{
    *terminal = (struct terminal){.in_fd = in_fd, .out_fd = out_fd};
    if (tcgetattr(in_fd, &terminal->before) != 0)
        return error_set_errno(err, errno, "cannot read the terminal's modes");
    struct termios raw = terminal->before;
    raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(in_fd, TCSAFLUSH, &raw) != 0)
        return error_set_errno(err, errno, "cannot set the terminal's modes");
    terminal->is_taken = true;
    if (terminal_write(out_fd, slice_from(screen_on)))
        return true;
    terminal_release(terminal);
    return error_set(err, ERROR_SYSTEM, "cannot write to the terminal");
}

void terminal_release(struct terminal *terminal)
{
    if (!terminal->is_taken)
        return;
    terminal->is_taken = false;
    (void)terminal_write(terminal->out_fd, slice_from(screen_off));
    (void)tcsetattr(terminal->in_fd, TCSAFLUSH, &terminal->before);
}

bool terminal_suspend(struct terminal *terminal, struct error *err)
{
    terminal_release(terminal);
    (void)kill(0, SIGTSTP); /* the whole job, as the terminal itself would do it */
    return terminal_take(terminal, terminal->in_fd, terminal->out_fd, err);
}
