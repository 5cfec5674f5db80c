/* SPDX-License-Identifier: Apache-2.0 */
/* The structured log: builds a line in the caller's struct and writes it in one piece.
 *
 * The last bytes of a line are kept for its end (RESERVE), so a line that is cut is still
 * a whole JSON object. Refuses to block: stderr is asked first whether it has room, and
 * at most PIPE_BUF bytes are written, which a pipe takes whole or not at all. Called by
 * main, worker and http only; any thread. */
#include "base/log.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    RESERVE = 64, /* closing quote, "dropped", "cut", brace, line feed */
    LIMIT = sizeof((struct log_line *)0)->text - RESERVE,
};

static const char *const level_words[] = {"error", "warning", "info", "debug"};

/* Set before threads start; the count of lost lines is every thread's. */
static atomic_int current_level = LOG_INFO;
static atomic_int current_format = LOG_TEXT;
static atomic_uint dropped_lines;

void log_setup(enum log_level level, enum log_format format)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
    atomic_store_explicit(&current_format, (int)format, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

static bool is_json(void)
{
    return atomic_load_explicit(&current_format, memory_order_relaxed) == LOG_JSON;
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
    char text[8];
    if (code == '"' || code == '\\')
        snprintf(text, sizeof text, "\\%c", (char)code);
    else
        snprintf(text, sizeof text, "\\u%04x", code & 0xffff);
    return put(line, text, strlen(text));
}

/* The quoted value; cut inside if need be, but always with its closing quote. */
static void put_quoted(struct log_line *line, struct slice value)
{
    if (!put(line, "\"", 1))
        return;
    const char *at = value.data;
    for (size_t left = value.len; left > 0;) {
        unsigned code = 0xfffd;
        size_t len = read_character(at, left, &code);
        bool is_put =
            len && !is_unsafe(code) ? put(line, at, len) : put_escaped(line, code);
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

static bool put_key(struct log_line *line, const char *key)
{
    if (!line->is_on || line->is_cut)
        return false;
    char text[80];
    int len = snprintf(text, sizeof text, is_json() ? ",\"%s\":" : " %s=", key);
    /* Room for a short value too, so that no key stands alone. */
    if (len < 0 || (size_t)len >= sizeof text || line->len + (size_t)len + 32 > LIMIT) {
        line->is_cut = true;
        return false;
    }
    return put(line, text, (size_t)len);
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    line->is_on = log_is_on(level);
    line->is_cut = false;
    line->len = 0;
    if (!line->is_on)
        return;
    char now[32];
    clock_wall_text(now, sizeof now);
    int len = snprintf(line->text, LIMIT,
                       is_json() ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\""
                                 : "%s %-7s %s",
                       now, level_words[level], event);
    line->len = len < 0 ? 0 : (size_t)len < LIMIT ? (size_t)len : LIMIT - 1;
}

void log_slice(struct log_line *line, const char *key, struct slice value)
{
    if (!put_key(line, key))
        return;
    if (!is_json() && is_plain_word(value) && line->len + value.len <= LIMIT)
        put(line, value.data, value.len);
    else
        put_quoted(line, value);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
    log_slice(line, key, slice_from(value));
}

/* Numbers are at most 24 bytes, which put_key left room for. */
static void log_number(struct log_line *line, const char *key, const char *digits)
{
    if (put_key(line, key))
        put(line, digits, strlen(digits));
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    log_number(line, key, digits);
}

void log_double(struct log_line *line, const char *key, double value)
{
    char digits[32];
    /* JSON has no infinity, and %f of the largest double has 309 digits. */
    if (!(value > -1e15 && value < 1e15))
        snprintf(digits, sizeof digits, "null");
    else
        snprintf(digits, sizeof digits, "%.3f", value);
    log_number(line, key, digits);
}

void log_bool(struct log_line *line, const char *key, bool value)
{
    log_number(line, key, value ? "true" : "false");
}

/* False if it could not be written now. */
static bool write_line(const char *text, size_t len)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
        return false;
    ssize_t written;
    do
        written = write(STDERR_FILENO, text, len);
    while (written < 0 && errno == EINTR);
    return written == (ssize_t)len;
}

void log_end(struct log_line *line)
{
    if (!line->is_on)
        return;
    unsigned dropped = atomic_exchange(&dropped_lines, 0);
    if (dropped) {
        char text[32];
        snprintf(text, sizeof text, is_json() ? ",\"dropped\":%u" : " dropped=%u",
                 dropped);
        put_in_reserve(line, text);
    }
    if (line->is_cut)
        put_in_reserve(line, is_json() ? ",\"cut\":true" : " cut=true");
    put_in_reserve(line, is_json() ? "}\n" : "\n");
    if (!write_line(line->text, line->len))
        atomic_fetch_add(&dropped_lines, dropped + 1);
    line->is_on = false;
}

void log_message(enum log_level level, const char *event, const char *message)
{
    struct log_line line;
    log_begin(&line, level, event);
    log_text(&line, "message", message);
    log_end(&line);
}
