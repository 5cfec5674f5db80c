/* SPDX-License-Identifier: Apache-2.0 */
/* A key and its value, put into a line so that no byte of a caller or upstream forges a
 * line, a value or a terminal sequence. No printf: a busy service writes a line for each
 * batch. */
#include "base/log.h"

#include "base/log_line.h"
#include "base/utf8.h"

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
        return log_line_put(line, (const char[]){'\\', (char)code}, 2);
    return log_line_put(line, text, sizeof text);
}

/* How many bytes from `at` on are put as they are: printable ASCII, and no more than
 * there is room for. */
static size_t plain_run(const struct log_line *line, const char *at, size_t left)
{
    size_t room = LOG_LINE_LIMIT - line->len;
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
    if (!log_line_put(line, "\"", 1))
        return;
    const char *at = value.data;
    for (size_t left = value.len; left > 0;) {
        size_t len = plain_run(line, at, left);
        bool is_put = len > 0 && log_line_put(line, at, len);
        if (len == 0) {
            unsigned code = 0xfffd;
            len = read_character(at, left, &code);
            is_put = len && !is_unsafe(code) ? log_line_put(line, at, len)
                                             : put_escaped(line, code);
        }
        if (!is_put)
            break;
        at += len ? len : 1;
        left -= len ? len : 1;
    }
    log_line_put_last(line, "\"");
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
    if (line->len + before.len + len + behind.len + LOG_VALUE_ROOM > LOG_LINE_LIMIT) {
        line->is_cut = true;
        return false;
    }
    return log_line_put(line, before.data, before.len) && log_line_put(line, key, len) &&
           log_line_put(line, behind.data, behind.len);
}

void log_slice(struct log_line *line, const char *key, struct slice value)
{
    if (!put_key(line, key))
        return;
    if (!log_line_is_json(line) && is_plain_word(value) &&
        line->len + value.len <= LOG_LINE_LIMIT)
        log_line_put(line, value.data, value.len);
    else
        put_quoted(line, value);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
    log_slice(line, key, slice_from(value));
}

/* Numbers are at most LOG_VALUE_ROOM bytes, which put_key left. */
static void put_number(struct log_line *line, const char *digits, const char *end)
{
    log_line_put(line, digits, (size_t)(end - digits));
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
    char digits[LOG_VALUE_ROOM];
    char *end = digits + sizeof digits;
    char *at = log_line_digits(end, value < 0 ? -(uint64_t)value : (uint64_t)value);
    if (value < 0)
        *--at = '-';
    if (put_key(line, key))
        put_number(line, at, end);
}

void log_double(struct log_line *line, const char *key, double value)
{
    char digits[LOG_VALUE_ROOM];
    char *end = digits + sizeof digits;
    char *at = end;
    if (!put_key(line, key))
        return;
    if (!(value > -1e15 && value < 1e15)) { /* JSON has no infinity */
        log_line_put(line, "null", 4);
        return;
    }
    uint64_t thousandths = (uint64_t)((value < 0 ? -value : value) * 1000 + 0.5);
    for (int i = 0; i < 3; i++, thousandths /= 10)
        *--at = (char)('0' + thousandths % 10);
    *--at = '.';
    at = log_line_digits(at, thousandths);
    if (value < 0)
        *--at = '-';
    put_number(line, at, end);
}

void log_bool(struct log_line *line, const char *key, bool value)
{
    if (put_key(line, key))
        log_line_put(line, value ? "true" : "false", value ? 4 : 5);
}
