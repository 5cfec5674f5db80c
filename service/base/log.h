/* SPDX-License-Identifier: Apache-2.0 */
/* The structured log: one line per event on standard error, JSON for machines or text in
 * the manner of logfmt for people. Only main, worker and http call it; layers below
 * describe errors in struct error.
 *
 * A line is built on the stack and leaves in one piece (log_writer.h), so lines of
 * several threads do not mix. A line over the ceiling is cut with "cut":true. Values are
 * escaped: no byte of a caller or upstream can forge a line or a terminal sequence.
 *
 *     struct log_line line;
 *     log_begin(&line, LOG_INFO, "listening");
 *     log_text(&line, "address", address);
 *     log_end(&line);
 */
#pragma once

#include "base/log_class.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format {
    LOG_JSON,
    LOG_TEXT,
    LOG_AUTO
}; /* auto: text on a terminal, else JSON */
enum log_style { LOG_STYLE_JSON, LOG_STYLE_TEXT, LOG_STYLE_COLOURS };

struct log_line {
    bool is_on;  /* false: below the level, every call is a no-op */
    bool is_cut; /* something did not fit: what follows is left out */
    enum log_style style;
    size_t len;
    char text[4096];
};

/* log_setup may be called again at any time, from main's thread: lines begun before keep
 * their style. Text has colours on a terminal that knows them (terminal_has_colours).
 * Until then: info, text without colours. */
void log_setup(enum log_level level, enum log_format format);
bool log_is_on(enum log_level level);
/* log_begin starts a line: time, level, event (a fixed snake_case word, which stands in
 * docs/operating.md). */
void log_begin(struct log_line *line, enum log_level level, const char *event);
/* log_begin_class: the same for a line of a kind that is limited; one that is held back
 * is a no-op until its log_end. `now_us`: of clock_now_us. */
void log_begin_class(struct log_line *line, enum log_level level, const char *event,
                     struct log_class *class, uint64_t now_us);
void log_text(struct log_line *line, const char *key, const char *value);
void log_slice(struct log_line *line, const char *key, struct slice value);
void log_int(struct log_line *line, const char *key, int64_t value);
void log_double(struct log_line *line, const char *key, double value); /* 3 decimals */
void log_bool(struct log_line *line, const char *key, bool value);
/* log_end hands the line on. A failing or full standard error never stops the process nor
 * a worker: the line is dropped, and the next one that gets through says how many were
 * ("dropped":3). */
void log_end(struct log_line *line);

/* log_message is the whole of the above for a line with only a message. */
void log_message(enum log_level level, const char *event, const char *message);
void log_message_class(enum log_level level, const char *event, const char *message,
                       struct log_class *class, uint64_t now_us);

/* log_held_back: lines of limited kinds that were not written, so far. What was dropped:
 * log_writer_dropped. Any thread. */
uint64_t log_held_back(void);
