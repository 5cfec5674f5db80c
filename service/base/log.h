/* SPDX-License-Identifier: Apache-2.0 */
/* The structured log: one line per event on stderr, JSON or text. Only main, worker and
 * http call it; layers below describe errors in struct error.
 *
 * A line is built on the stack and leaves in one write(2), so lines of several threads do
 * not mix and no lock is held. A line over the ceiling is cut with "cut":true. Values are
 * escaped: no byte of a caller or upstream can forge a line or a terminal sequence.
 *
 *     struct log_line line;
 *     log_begin(&line, LOG_INFO, "listening");
 *     log_text(&line, "address", address);
 *     log_end(&line);
 */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_JSON, LOG_TEXT };

struct log_line {
    bool is_on;  /* false: below the level, every call is a no-op */
    bool is_cut; /* something did not fit: what follows is left out */
    size_t len;
    char text[4096];
};

/* log_setup is called once, before threads start. Until then: info, text. */
void log_setup(enum log_level level, enum log_format format);
bool log_is_on(enum log_level level);

/* log_begin starts a line: time, level, event (a fixed snake_case word). */
void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_text(struct log_line *line, const char *key, const char *value);
void log_slice(struct log_line *line, const char *key, struct slice value);
void log_int(struct log_line *line, const char *key, int64_t value);
void log_double(struct log_line *line, const char *key, double value); /* 3 decimals */
void log_bool(struct log_line *line, const char *key, bool value);
/* log_end writes the line. A failing or full stderr never stops the process: the line is
 * dropped, and the next one that gets through says how many were ("dropped":3). */
void log_end(struct log_line *line);

/* log_message is the whole of the above for a line with only a message. */
void log_message(enum log_level level, const char *event, const char *message);
