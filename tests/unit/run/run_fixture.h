/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of drawings share: a buffer that is drawn into, and what it shows. */
#pragma once

#include "base/buffer.h"
#include "base/terminal_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include <string.h>

static struct buffer drawn;

static inline void open_drawing(void)
{
    buffer_init(&drawn, 1 << 20);
}

static inline void close_drawing(void)
{
    buffer_done(&drawn);
}

static inline const char *shown(void)
{
    const char *text = buffer_text(&drawn);
    cr_assert_not_null(text);
    return text;
}

static inline bool shows(const char *part)
{
    return strstr(shown(), part) != NULL;
}

/* The widest line, without colours. */
static inline int widest(void)
{
    int most = 0;
    const char *line = shown();
    while (*line) {
        size_t len = strcspn(line, "\n");
        int columns = terminal_text_columns(slice_make(line, len));
        most = columns > most ? columns : most;
        line += len + (line[len] == '\n');
    }
    return most;
}
