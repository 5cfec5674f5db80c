/* SPDX-License-Identifier: Apache-2.0 */
/* Builds a line in the caller's struct. The last bytes of a line are kept for its end
 * (RESERVE), so a line that is cut is still a whole JSON object. No printf: a busy
 * service writes a line for each batch. Called by main, worker and http only; any thread.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/log_writer.h"
#include "base/terminal.h"
#include "base/utf8.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum {
    RESERVE = 64, /* closing quote, "dropped", "cut", brace, line feed */
    LIMIT = sizeof((struct log_line *)0)->text - RESERVE,
    VALUE_ROOM = 32, /* for a short value behind each key, so that no key stands alone */
};
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

/* ------------------------------------------------------------------------ pieces */

static bool is_json(const struct log_line *line)
{
    return line->style == LOG_STYLE_JSON;
}

/* Appends all of `text` or, if it would reach the reserve, nothing. */
static bool put(struct log_line *line, const char *text, size_t len)
{
    if (line->is_cut || line->len + len > LIMIT) {
        line->is_cut = true;
        return false;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
    return true;
}

static void put_in_reserve(struct log_line *line, const char *text)
{
    size_t len = strlen(text);
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

/* Writes the digits in front of `end`; returns where they begin. */
static char *put_digits(char *end, uint64_t value)
{
    do
        *--end = (char)('0' + value % 10);
    while (value /= 10);
    return end;
}

/* ------------------------------------------------------------------------ values */

/* The length of the well-formed UTF-8 character at `at`, or 0 if it is none; its number
 * in `ret_code`. */
static size_t read_character(const char *at, size_t left, unsigned *ret_code)
{
    size_t len = utf8_sequence(at, left);
    if (len == 0)
        return 0;
    unsigned char first = (unsigned char)at[0];
    unsigned code = len == 1 ? first : first & (0x7fU >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3fU);
    *ret_code = code;
    return len;
}

/* C0, DEL and C1 drive terminals, U+2028 and U+2029 end lines in some readers, the bidi
 * controls reorder what a person sees. */
static bool is_unsafe(unsigned code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == '"' || code == '\\' ||
           code == 0x2028 || code == 0x2029 || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

static bool put_escaped(struct log_line *line, unsigned code)
{
    static const char digits[] = "0123456789abcdef";
    const char text[] = {'\\',
                         'u',
                         digits[code >> 12 & 15],
                         digits[code >> 8 & 15],
                         digits[code >> 4 & 15],
                         digits[code & 15]};
    if (code == '"' || code == '\\')
        return put(line, (const char[]){'\\', (char)code}, 2);
    return put(line, text, sizeof text);
}

/* How many bytes from `at` on are put as they are: printable ASCII, and no more than
 * there is room for. */
static size_t plain_run(const struct log_line *line, const char *at, size_t left)
{
    size_t room = LIMIT - line->len;
    size_t most = left < room ? left : room;
    size_t len = 0;
    while (len < most && at[len] >= ' ' && at[len] < 0x7f && at[len] != '"' &&
           at[len] != '\\')
        len++;
    return len;
}

/* The quoted value; cut inside if need be, but always with its closing quote. */
static void put_quoted(struct log_line *line, struct slice value)
{
    if (!put(line, "\"", 1))
        return;
    const char *at = value.data;
    for (size_t left = value.len; left > 0;) {
        size_t len = plain_run(line, at, left);
        bool is_put = len > 0 && put(line, at, len);
        if (len == 0) {
            unsigned code = 0xfffd;
            len = read_character(at, left, &code);
            is_put =
                len && !is_unsafe(code) ? put(line, at, len) : put_escaped(line, code);
        }
        if (!is_put)
            break;
        at += len ? len : 1;
        left -= len ? len : 1;
    }
    put_in_reserve(line, "\"");
}

/* In text a plain word needs no quotes. */
static bool is_plain_word(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '"' || byte == '\\' || byte == '=')
            return false;
    }
    return value.len > 0;
}

/* What stands before and behind a key. */
static const struct {
    struct slice before, behind;
} key_marks[] = {
    [LOG_STYLE_JSON] = {{",\"", 2}, {"\":", 2}},
    [LOG_STYLE_TEXT] = {{" ", 1}, {"=", 1}},
    [LOG_STYLE_COLOURS] = {{" \033[2m", 5}, {"=\033[0m", 5}},
};

static bool put_key(struct log_line *line, const char *key)
{
    if (!line->is_on || line->is_cut)
        return false;
    struct slice before = key_marks[line->style].before;
    struct slice behind = key_marks[line->style].behind;
    size_t len = strlen(key);
    if (line->len + before.len + len + behind.len + VALUE_ROOM > LIMIT) {
        line->is_cut = true;
        return false;
    }
    return put(line, before.data, before.len) && put(line, key, len) &&
           put(line, behind.data, behind.len);
}

/* ------------------------------------------------------------------------ fields */

void log_slice(struct log_line *line, const char *key, struct slice value)
{
    if (!put_key(line, key))
        return;
    if (!is_json(line) && is_plain_word(value) && line->len + value.len <= LIMIT)
        put(line, value.data, value.len);
    else
        put_quoted(line, value);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
    log_slice(line, key, slice_from(value));
}

/* Numbers are at most VALUE_ROOM bytes, which put_key left. */
static void put_number(struct log_line *line, const char *digits, const char *end)
{
    put(line, digits, (size_t)(end - digits));
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
    char digits[VALUE_ROOM];
    char *end = digits + sizeof digits;
    char *at = put_digits(end, value < 0 ? -(uint64_t)value : (uint64_t)value);
    if (value < 0)
        *--at = '-';
    if (put_key(line, key))
        put_number(line, at, end);
}

void log_double(struct log_line *line, const char *key, double value)
{
    char digits[VALUE_ROOM];
    char *end = digits + sizeof digits;
    char *at = end;
    if (!put_key(line, key))
        return;
    if (!(value > -1e15 && value < 1e15)) { /* JSON has no infinity */
        put(line, "null", 4);
        return;
    }
    uint64_t thousandths = (uint64_t)((value < 0 ? -value : value) * 1000 + 0.5);
    for (int i = 0; i < 3; i++, thousandths /= 10)
        *--at = (char)('0' + thousandths % 10);
    *--at = '.';
    at = put_digits(at, thousandths);
    if (value < 0)
        *--at = '-';
    put_number(line, at, end);
}

void log_bool(struct log_line *line, const char *key, bool value)
{
    if (put_key(line, key))
        put(line, value ? "true" : "false", value ? 4 : 5);
}

/* ---------------------------------------------------------------------- the line */

static const char *const level_words[] = {"error", "warning", "info", "debug"};

static void put_all(struct log_line *line, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(line, texts[i], strlen(texts[i]));
}

static void put_start(struct log_line *line, const char *level, const char *event)
{
    char now[32];
    clock_wall_text(now, sizeof now);
    const char *const json[] = {
        "{\"time\":\"", now, "\",\"level\":\"", level, "\",\"event\":\"", event, "\""};
    const char *const text[] = {now, " ", level, &"        "[strlen(level)], event};
    if (is_json(line))
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
    char digits[VALUE_ROOM];
    char *end = digits + sizeof digits - 1;
    *end = '\0';
    put_in_reserve(line, is_json(line) ? ",\"dropped\":" : " dropped=");
    put_in_reserve(line, put_digits(end, dropped));
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
        put_in_reserve(line, is_json(line) ? ",\"cut\":true" : " cut=true");
    put_in_reserve(line, is_json(line) ? "}\n" : "\n");
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
