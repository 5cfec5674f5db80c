/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of a line, for log.c and log_field.c only. The last bytes of a line are kept
 * for its end, so that one that is cut is still a whole JSON object. */
#pragma once

#include "base/log.h"

#include <string.h>

enum {
    LOG_LINE_RESERVE = 64, /* closing quote, "dropped", "cut", brace, line feed */
    LOG_LINE_LIMIT = sizeof((struct log_line *)0)->text - LOG_LINE_RESERVE,
    LOG_VALUE_ROOM = 32, /* a short value fits behind each key: none stands alone */
};

static inline bool log_line_is_json(const struct log_line *line)
{
    return line->style == LOG_STYLE_JSON;
}

/* Appends all of `text` or, if it would reach the reserve, nothing. */
static inline bool log_line_put(struct log_line *line, const char *text, size_t len)
{
    if (line->is_cut || line->len + len > LOG_LINE_LIMIT) {
        line->is_cut = true;
        return false;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
    return true;
}

/* Appends to the end that was kept for it. */
static inline void log_line_put_last(struct log_line *line, const char *text)
{
    size_t len = strlen(text);
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

/* Writes the digits in front of `end`; returns where they begin. */
static inline char *log_line_digits(char *end, uint64_t value)
{
    do
        *--end = (char)('0' + value % 10);
    while (value /= 10);
    return end;
}
