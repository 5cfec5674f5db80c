/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal at the end of a descriptor: is it one, how wide, in colour; and taking it
 * over as a whole screen and giving it back. For commands that a person looks at; the
 * service itself never opens one. What may be written to it: base/terminal_text.h. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <termios.h>

/* terminal_is_screen: `fd` is a terminal that moves its cursor (TERM is set and not
 * "dumb"): what redraws itself may be written there. */
bool terminal_is_screen(int fd);

/* terminal_has_colours: the same, and nobody asked for none (NO_COLOR set and not empty,
 * https://no-color.org). */
bool terminal_has_colours(int fd);

struct terminal_size {
    int columns;
    int rows;
};

/* terminal_size_of asks the terminal; one that does not say, or something else, counts as
 * COLUMNS × LINES of the environment, else 80 × 24. Between 20 × 5 and 1000 × 500. */
struct terminal_size terminal_size_of(int fd);

/* terminal_write writes all of `text`, waiting where it must; false when `fd` is gone. */
bool terminal_write(int fd, struct slice text);

/* A taken terminal. The zero value is one that is not taken. */
struct terminal {
    int in_fd;
    int out_fd;
    bool is_taken;
    struct termios before;
};

/* terminal_take: keys of `in_fd` come one by one, unechoed, control characters too
 * (Ctrl-C is byte 3: the caller ends, Ctrl-Z is byte 26: terminal_suspend); `out_fd`
 * shows the other screen, without a cursor. Signals are the caller's: whatever ends the
 * process has to come by terminal_release. */
bool terminal_take(struct terminal *terminal, int in_fd, int out_fd,
                   struct error *err) MUST_CHECK;

/* terminal_release gives everything back as it was; a second time does nothing. */
void terminal_release(struct terminal *terminal);

/* terminal_suspend gives the terminal back, stops the process as Ctrl-Z does elsewhere,
 * and takes it again when it goes on. */
bool terminal_suspend(struct terminal *terminal, struct error *err) MUST_CHECK;
