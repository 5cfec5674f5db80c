/* SPDX-License-Identifier: Apache-2.0 */
/* base/terminal.h, on a pseudo terminal. */
#include "base/terminal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int master;
static int slave;

static void open_pair(void)
{
    master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    cr_assert(slave >= 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    unsetenv("COLUMNS");
    unsetenv("LINES");
}

static void close_pair(void)
{
    close(master);
    close(slave);
}

TestSuite(terminal, .init = open_pair, .fini = close_pair);

static const char *read_screen(void)
{
    static char text[256];
    ssize_t got = read(master, text, sizeof text - 1);
    cr_assert(got >= 0);
    text[got] = '\0';
    return text;
}

Test(terminal, a_screen_is_a_tty_with_a_terminal_type)
{
    cr_assert(terminal_is_screen(slave));
    setenv("TERM", "dumb", 1);
    cr_assert(not(terminal_is_screen(slave)));
    unsetenv("TERM");
    cr_assert(not(terminal_is_screen(slave)));
    setenv("TERM", "xterm", 1);
    int file = open("/dev/null", O_RDWR);
    cr_assert(not(terminal_is_screen(file)));
    close(file);
}

Test(terminal, no_color_turns_colours_off_unless_empty)
{
    cr_assert(terminal_has_colours(slave));
    setenv("NO_COLOR", "", 1);
    cr_assert(terminal_has_colours(slave));
    setenv("NO_COLOR", "1", 1);
    cr_assert(not(terminal_has_colours(slave)));
}

Test(terminal, the_size_is_the_terminals_then_the_environments_then_80_by_24)
{
    const struct winsize window = {.ws_col = 132, .ws_row = 43};
    cr_assert(ioctl(slave, TIOCSWINSZ, &window) == 0);
    struct terminal_size size = terminal_size_of(slave);
    cr_assert(size.columns == 132 && size.rows == 43);
    int file = open("/dev/null", O_RDWR);
    size = terminal_size_of(file);
    cr_assert(size.columns == 80 && size.rows == 24);
    setenv("COLUMNS", "100", 1);
    setenv("LINES", "50", 1);
    size = terminal_size_of(file);
    cr_assert(size.columns == 100 && size.rows == 50);
    setenv("COLUMNS", "7", 1);
    setenv("LINES", "99999999999999999999", 1);
    size = terminal_size_of(file);
    cr_assert(size.columns == 20 && size.rows == 500);
    close(file);
}

Test(terminal, taken_keys_come_one_by_one_and_everything_is_given_back)
{
    struct termios before, after;
    cr_assert(tcgetattr(slave, &before) == 0);
    struct terminal terminal;
    cr_assert(terminal_take(&terminal, slave, slave, NULL));
    cr_assert(strstr(read_screen(), "\033[?1049h") != NULL);
    cr_assert(write(master, "\003q", 2) == 2); /* Ctrl-C is a byte like another */
    char keys[4];
    cr_assert(eq(int, (int)read(slave, keys, sizeof keys), 2));
    cr_assert(keys[0] == '\003' && keys[1] == 'q');
    terminal_release(&terminal);
    cr_assert(strstr(read_screen(), "\033[?1049l") != NULL);
    cr_assert(tcgetattr(slave, &after) == 0);
    cr_assert(after.c_lflag == before.c_lflag && after.c_iflag == before.c_iflag);
    terminal_release(&terminal); /* nothing a second time */
}

Test(terminal, what_is_no_terminal_cannot_be_taken)
{
    struct terminal terminal;
    struct error err = {0};
    int file = open("/dev/null", O_RDWR);
    cr_assert(not(terminal_take(&terminal, file, file, &err)));
    cr_assert(strstr(err.text, "terminal") != NULL);
    terminal_release(&terminal);
    /* keys from a terminal, but nothing to draw on */
    int closed = open("/dev/null", O_RDONLY);
    cr_assert(not(terminal_take(&terminal, slave, closed, &err)));
    cr_assert(not(terminal.is_taken));
    close(closed);
    close(file);
}

Test(terminal, writing_ends_with_everything_written_or_false)
{
    int ends[2];
    cr_assert(pipe2(ends, O_NONBLOCK) == 0);
    cr_assert(terminal_write(ends[1], slice_from("all of it")));
    char text[16];
    cr_assert(eq(int, (int)read(ends[0], text, sizeof text), 9));
    close(ends[1]);
    cr_assert(not(terminal_write(ends[1], slice_from("gone"))));
    close(ends[0]);
}
