/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the text that follows only the few places where a body can stand:
 *
 *     [ {"body": …}, … ]   {"requests": [ {"body": …}, … ]}   {"defaults": {"body": …}}
 *
 * and steps over everything else by its brackets and quotes. It does not judge grammar:
 * at the first thing out of place it stops, and the JSON library, which sees the same
 * bytes at the same offsets, says what is wrong. Called by parse_batch only. */
#include "batch/body_spans.h"

#include "base/json_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { EXACT_NUMBER_MAX = 18 }; /* digits that fit an int64_t whatever they are */

struct scanner {
    struct body_spans *spans;
    struct slice text;
    const char *at;
    const char *end;
    size_t max_items;
    size_t items;
    unsigned depth; /* containers open around `at` */
};

/* Looks at a member's value or an element where it begins. False: stop looking. */
typedef bool member_fn(struct scanner *scanner, struct slice key, size_t item);
typedef bool element_fn(struct scanner *scanner, size_t item);

static bool stop(struct scanner *scanner, enum body_spans_fault fault)
{
    scanner->spans->fault = fault;
    scanner->spans->fault_at = (size_t)(scanner->at - scanner->text.data);
    return false;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Steps over white space; returns the byte that follows, 0 at the end. */
static char peek(struct scanner *scanner)
{
    while (scanner->at < scanner->end && is_space(*scanner->at))
        scanner->at++;
    return scanner->at < scanner->end ? *scanner->at : '\0';
}

static bool enter(struct scanner *scanner)
{
    if (scanner->depth == DOCUMENT_DEPTH_MAX)
        return stop(scanner, SPANS_TOO_DEEP);
    scanner->depth++;
    scanner->at++;
    return true;
}

/* Steps over a string; `ret_raw` is what stands between the quotes. */
static bool skip_string(struct scanner *scanner, struct slice *ret_raw)
{
    const char *start = scanner->at + 1;
    const char *quote = start;
    for (;; quote++) {
        quote = memchr(quote, '"', (size_t)(scanner->end - quote));
        if (!quote)
            return false;
        size_t backslashes = 0;
        while (quote - backslashes > start && quote[-1 - (ptrdiff_t)backslashes] == '\\')
            backslashes++;
        if (backslashes % 2 == 0)
            break;
    }
    *ret_raw = slice_make(start, (size_t)(quote - start));
    scanner->at = quote + 1;
    return true;
}

static bool hide(struct scanner *scanner, struct slice part, const char *stand_in)
{
    return shortened_replace(&scanner->spans->shortened, part, stand_in) ||
           stop(scanner, SPANS_NO_MEMORY);
}

/* The token without quotes from `start` to `at`. */
static bool hide_odd_number(struct scanner *scanner, const char *start)
{
    size_t len = (size_t)(scanner->at - start);
    bool is_number = *start == '-' || (*start >= '0' && *start <= '9');
    if (!is_number ||
        (len <= EXACT_NUMBER_MAX && !memchr(start, 'e', len) && !memchr(start, 'E', len)))
        return true;
    if (json_text_skip(start, scanner->at) != scanner->at)
        return true;
    return hide(scanner, slice_make(start, len), "0.0");
}

static bool skip_word(struct scanner *scanner)
{
    const char *start = scanner->at;
    while (scanner->at < scanner->end && !is_space(*scanner->at) &&
           !memchr(",:[]{}\"", *scanner->at, 7))
        scanner->at++;
    return hide_odd_number(scanner, start);
}

/* Steps over any value that is no body. */
static bool skip_value(struct scanner *scanner)
{
    unsigned outside = scanner->depth;
    do {
        struct slice ignored;
        switch (peek(scanner)) {
        case '{':
        case '[':
            if (!enter(scanner))
                return false;
            break;
        case '}':
        case ']':
            if (scanner->depth == outside)
                return false;
            scanner->depth--;
            scanner->at++;
            break;
        case ',':
        case ':':
            if (scanner->depth == outside)
                return false;
            scanner->at++;
            break;
        case '"':
            if (!skip_string(scanner, &ignored))
                return false;
            break;
        default:
            if (scanner->at == scanner->end || !skip_word(scanner))
                return false;
        }
    } while (scanner->depth > outside);
    return true;
}

/* Behind an element or member: true if another follows; `at` is then before it. */
static bool next_follows(struct scanner *scanner, char close, bool *ret_fine)
{
    char byte = peek(scanner);
    *ret_fine = byte == ',' || byte == close;
    if (!*ret_fine)
        return false;
    scanner->at++;
    if (byte == close)
        scanner->depth--;
    return byte == ',';
}

static bool scan_members(struct scanner *scanner, member_fn *on_member, size_t item)
{
    if (!enter(scanner))
        return false;
    bool fine = true;
    if (peek(scanner) == '}')
        return next_follows(scanner, '}', &fine), fine;
    do {
        struct slice key;
        if (peek(scanner) != '"' || !skip_string(scanner, &key) || peek(scanner) != ':')
            return false;
        scanner->at++;
        if (!on_member(scanner, key, item))
            return false;
    } while (next_follows(scanner, '}', &fine));
    return fine;
}

static bool scan_elements(struct scanner *scanner, element_fn *on_element)
{
    if (!enter(scanner))
        return false;
    bool fine = true;
    if (peek(scanner) == ']')
        return next_follows(scanner, ']', &fine), fine;
    size_t index = 0;
    do {
        if (++scanner->items > scanner->max_items)
            return stop(scanner, SPANS_TOO_MANY);
        if (!on_element(scanner, index++))
            return false;
    } while (next_follows(scanner, ']', &fine));
    return fine;
}

/* The value of an escape of one ASCII character, as names of fields could be spelt; -1:
 * it is something else. */
static int simple_escape(const char *at, size_t len, size_t *ret_used)
{
    if (len >= 2 && strchr("\"\\/", at[1])) {
        *ret_used = 2;
        return at[1];
    }
    if (len < 6 || at[1] != 'u' || at[2] != '0' || at[3] != '0')
        return -1;
    char digits[3] = {at[4], at[5], '\0'};
    char *stopped;
    long value = strtol(digits, &stopped, 16);
    *ret_used = 6;
    return stopped == digits + 2 ? (int)value : -1;
}

/* Is the raw text of a string `name`? "\u0062ody" is "body" too (RFC 8259 8.3). */
static bool key_is(struct slice key, const char *name)
{
    if (!memchr(key.data, '\\', key.len))
        return slice_is(key, name);
    size_t at = 0;
    for (; *name && at < key.len; name++) {
        size_t used = 1;
        int byte = key.data[at] == '\\'
                       ? simple_escape(key.data + at, key.len - at, &used)
                       : key.data[at];
        if (byte != *name)
            return false;
        at += used;
    }
    return !*name && at == key.len;
}

/* Steps over a body and hides it. */
static bool take_body(struct scanner *scanner, struct slice *ret_raw)
{
    peek(scanner);
    const char *start = scanner->at;
    const char *behind = json_text_skip(start, scanner->end);
    if (!behind) {
        scanner->spans->broken = slice_make(start, (size_t)(scanner->end - start));
        return false;
    }
    *ret_raw = slice_make(start, (size_t)(behind - start));
    scanner->at = behind;
    return hide(scanner, *ret_raw, "0");
}

static bool on_item_member(struct scanner *scanner, struct slice key, size_t item)
{
    if (!key_is(key, "body"))
        return skip_value(scanner);
    struct slice raw;
    if (!take_body(scanner, &raw))
        return false;
    struct body_spans *spans = scanner->spans;
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity ? spans->capacity * 2 : 16;
        struct body_span *list = realloc(spans->list, capacity * sizeof *list);
        if (!list)
            return stop(scanner, SPANS_NO_MEMORY);
        spans->list = list;
        spans->capacity = capacity;
    }
    spans->list[spans->count++] = (struct body_span){.item = item, .raw = raw};
    return true;
}

static bool on_defaults_member(struct scanner *scanner, struct slice key, size_t item)
{
    (void)item;
    return key_is(key, "body") ? take_body(scanner, &scanner->spans->defaults)
                               : skip_value(scanner);
}

static bool on_url(struct scanner *scanner, size_t item)
{
    (void)item;
    return skip_value(scanner);
}

static bool on_item(struct scanner *scanner, size_t item)
{
    return peek(scanner) == '{' ? scan_members(scanner, on_item_member, item)
                                : skip_value(scanner);
}

static bool on_option(struct scanner *scanner, struct slice key, size_t item)
{
    (void)item;
    char first = peek(scanner);
    if (first == '[' && key_is(key, "requests"))
        return scan_elements(scanner, on_item);
    if (first == '[' && key_is(key, "urls"))
        return scan_elements(scanner, on_url);
    if (first == '{' && key_is(key, "defaults"))
        return scan_members(scanner, on_defaults_member, 0);
    return skip_value(scanner);
}

void body_spans_find(struct body_spans *spans, struct slice text, size_t max_items)
{
    *spans = (struct body_spans){.fault = SPANS_FINE};
    shortened_init(&spans->shortened, text);
    struct scanner scanner = {
        .spans = spans,
        .text = text,
        .at = text.data,
        .end = text.data + text.len,
        .max_items = max_items,
    };
    char first = peek(&scanner);
    if (first == '[')
        scan_elements(&scanner, on_item);
    else if (first == '{')
        scan_members(&scanner, on_option, 0);
    if (!shortened_finish(&spans->shortened, &spans->readable))
        spans->fault = SPANS_NO_MEMORY;
}

void body_spans_done(struct body_spans *spans)
{
    free(spans->list);
    shortened_done(&spans->shortened);
    *spans = (struct body_spans){.fault = SPANS_FINE};
}

struct slice body_spans_of(const struct body_spans *spans, size_t item, size_t *cursor)
{
    while (*cursor < spans->count && spans->list[*cursor].item < item)
        ++*cursor;
    if (*cursor == spans->count || spans->list[*cursor].item != item)
        return slice_make(NULL, 0);
    return spans->list[*cursor].raw;
}
