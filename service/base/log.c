/* SPDX-License-Identifier: Apache-2.0 */
/* The line as a whole: whether it is written, how it begins, and its end, which tells of
 * what was left out. What stands in it is log_field.c's. Called by main, worker and http
 * only; any thread. */
#include "base/log.h"

#include "base/clock.h"
#include "base/log_line.h"
#include "base/log_writer.h"
#include "base/terminal.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof((struct log_line *)0)->text <= LOG_WRITER_LINE_MAX, "one write");

/* Set by main's thread, read by all; what was not written is every thread's. */
static atomic_int current_level = LOG_INFO;
static atomic_int current_style = LOG_STYLE_TEXT;
static atomic_uint_fast64_t told_drops; /* those of log_writer_dropped a line told of */
static atomic_uint_fast64_t held_back;

static enum log_style style_of(enum log_format format)
{
    if (format == LOG_JSON || (format == LOG_AUTO && !isatty(STDERR_FILENO)))
        return LOG_STYLE_JSON;
    return terminal_has_colours(STDERR_FILENO) ? LOG_STYLE_COLOURS : LOG_STYLE_TEXT;
}

void log_setup(enum log_level level, enum log_format format)
{
    enum log_style style = style_of(format);
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&current_style, (int)style, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

uint64_t log_held_back(void)
{
    return atomic_load_explicit(&held_back, memory_order_relaxed);
}

static const char *const level_words[] = {"error", "warning", "info", "debug"};

static void put_all(struct log_line *line, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        log_line_put(line, texts[i], strlen(texts[i]));
}

static void put_start(struct log_line *line, const char *level, const char *event)
{
    char now[32];
    clock_wall_text(now, sizeof now);
    const char *const json[] = {
        "{\"time\":\"", now, "\",\"level\":\"", level, "\",\"event\":\"", event, "\""};
    const char *const text[] = {now, " ", level, &"        "[strlen(level)], event};
    if (log_line_is_json(line))
        put_all(line, json, sizeof json / sizeof *json);
    else
        put_all(line, text, sizeof text / sizeof *text);
}

/* SGR sequences (ECMA-48 8.3.117): the sixteen colours that every theme can change. */
static void put_coloured_start(struct log_line *line, enum log_level level,
                               const char *event)
{
    static const char *const colours[] = {
        [LOG_ERROR] = "\033[1;31m",
        [LOG_WARNING] = "\033[33m",
        [LOG_INFO] = "\033[32m",
        [LOG_DEBUG] = "\033[36m",
    };
    const char *word = level_words[level];
    char now[32];
    clock_wall_text(now, sizeof now);
    const char *const text[] = {"\033[2m",
                                now,
                                "\033[0m ",
                                colours[level],
                                word,
                                "\033[0m",
                                &"        "[strlen(word)],
                                "\033[1m",
                                event,
                                "\033[0m"};
    put_all(line, text, sizeof text / sizeof *text);
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    line->is_on = log_is_on(level);
    line->is_cut = false;
    line->len = 0;
    if (!line->is_on)
        return;
    line->style =
        (enum log_style)atomic_load_explicit(&current_style, memory_order_relaxed);
    if (line->style == LOG_STYLE_COLOURS)
        put_coloured_start(line, level, event);
    else
        put_start(line, level_words[level], event);
}

void log_begin_class(struct log_line *line, enum log_level level, const char *event,
                     struct log_class *class, uint64_t now_us)
{
    uint64_t held = 0;
    line->is_on = false;
    if (!log_is_on(level))
        return;
    if (!log_class_take(class, now_us, &held)) {
        atomic_fetch_add_explicit(&held_back, 1, memory_order_relaxed);
        return;
    }
    log_begin(line, level, event);
    if (held)
        log_int(line, "heldBack", (int64_t)held);
}

static void put_dropped(struct log_line *line, uint64_t dropped)
{
    char digits[LOG_VALUE_ROOM];
    char *end = digits + sizeof digits - 1;
    *end = '\0';
    log_line_put_last(line, log_line_is_json(line) ? ",\"dropped\":" : " dropped=");
    log_line_put_last(line, log_line_digits(end, dropped));
}

/* How many lines this one is to tell of; no other does then. */
static uint64_t take_untold(void)
{
    uint64_t total = log_writer_dropped();
    uint64_t told = atomic_load_explicit(&told_drops, memory_order_relaxed);
    while (told < total) {
        if (atomic_compare_exchange_weak(&told_drops, &told, total))
            return total - told;
    }
    return 0;
}

void log_end(struct log_line *line)
{
    if (!line->is_on)
        return;
    uint64_t dropped = take_untold();
    if (dropped)
        put_dropped(line, dropped);
    if (line->is_cut)
        log_line_put_last(line, log_line_is_json(line) ? ",\"cut\":true" : " cut=true");
    log_line_put_last(line, log_line_is_json(line) ? "}\n" : "\n");
    if (!log_writer_put(slice_make(line->text, line->len)))
        atomic_fetch_sub(&told_drops, dropped);
    line->is_on = false;
}

static void put_message(struct log_line *line, const char *message)
{
    log_text(line, "message", message);
    log_end(line);
}

void log_message(enum log_level level, const char *event, const char *message)
{
    struct log_line line;
    log_begin(&line, level, event);
    put_message(&line, message);
}

void log_message_class(enum log_level level, const char *event, const char *message,
                       struct log_class *class, uint64_t now_us)
{
    struct log_line line;
    log_begin_class(&line, level, event, class, now_us);
    put_message(&line, message);
}
