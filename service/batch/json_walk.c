/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of the first look at a batch. Cheap (it finds quotes by memchr) and bounded:
 * how deep, how many members and values, so that a document made to be expensive is
 * refused before the JSON library builds a tree of it, which takes it 80 bytes and 150 ns
 * for each byte of [{},{},…]. Called by body_spans. */
#include "batch/json_walk.h"

#include "base/json_text.h"

#include <stdlib.h>
#include <string.h>

enum { EXACT_NUMBER_MAX = 18 }; /* digits that fit an int64_t whatever they are */

bool walk_stop(struct walk *walk, enum walk_fault fault)
{
    walk->fault = fault;
    return false;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

char walk_peek(struct walk *walk)
{
    while (walk->at < walk->end && is_space(*walk->at))
        walk->at++;
    return walk->at < walk->end ? *walk->at : '\0';
}

bool walk_hide(struct walk *walk, struct slice part, const char *stand_in)
{
    return shortened_replace(walk->shortened, part, stand_in) ||
           walk_stop(walk, WALK_NO_MEMORY);
}

static bool enter(struct walk *walk)
{
    if (walk->depth == WALK_DEPTH_MAX)
        return walk_stop(walk, WALK_TOO_DEEP);
    walk->depth++;
    walk->at++;
    return true;
}

/* Steps over a string; `ret_raw` is what stands between the quotes. */
static bool skip_string(struct walk *walk, struct slice *ret_raw)
{
    const char *start = walk->at + 1;
    const char *quote = start;
    for (;; quote++) {
        quote = memchr(quote, '"', (size_t)(walk->end - quote));
        if (!quote)
            return false;
        size_t backslashes = 0;
        while (quote - backslashes > start && quote[-1 - (ptrdiff_t)backslashes] == '\\')
            backslashes++;
        if (backslashes % 2 == 0)
            break;
    }
    *ret_raw = slice_make(start, (size_t)(quote - start));
    walk->at = quote + 1;
    return true;
}

/* A token without quotes: a number, a literal, or what is no JSON. */
static struct slice skip_word(struct walk *walk)
{
    const char *start = walk->at;
    while (walk->at < walk->end && !is_space(*walk->at) &&
           !memchr(",:[]{}\"", *walk->at, 7))
        walk->at++;
    return slice_make(start, (size_t)(walk->at - start));
}

/* Could the library fail on this number, which no field takes? */
static bool is_odd_number(struct slice word)
{
    bool is_number = word.data[0] == '-' || (word.data[0] >= '0' && word.data[0] <= '9');
    if (!is_number ||
        (word.len <= EXACT_NUMBER_MAX && !memchr(word.data, 'e', word.len) &&
         !memchr(word.data, 'E', word.len)))
        return false;
    const char *end = word.data + word.len;
    return json_text_skip(word.data, end) == end;
}

/* walk_skip's state. */
struct skip {
    unsigned outside; /* containers around the value */
    unsigned kept;
    unsigned values;
    const char *hidden; /* where the container being hidden begins; NULL: none */
};

static bool skip_open(struct walk *walk, struct skip *skip)
{
    if (!skip->hidden && walk->depth - skip->outside == skip->kept)
        skip->hidden = walk->at;
    return enter(walk);
}

static bool skip_close(struct walk *walk, struct skip *skip)
{
    if (walk->depth == skip->outside)
        return false;
    walk->depth--;
    walk->at++;
    const char *begin = skip->hidden;
    if (!begin || walk->depth - skip->outside != skip->kept)
        return true;
    skip->hidden = NULL;
    return walk_hide(walk, slice_make(begin, (size_t)(walk->at - begin)),
                     *begin == '{' ? "{}" : "[]");
}

static bool skip_separator(struct walk *walk, const struct skip *skip)
{
    walk->at++;
    return walk->depth > skip->outside;
}

static bool skip_scalar(struct walk *walk, struct skip *skip)
{
    struct slice ignored;
    if (!skip->hidden && ++skip->values > WALK_VALUES_MAX)
        return walk_stop(walk, WALK_TOO_LONG);
    if (*walk->at == '"')
        return skip_string(walk, &ignored);
    struct slice word = skip_word(walk);
    return skip->hidden || !is_odd_number(word) || walk_hide(walk, word, "0.0");
}

bool walk_skip(struct walk *walk, unsigned kept)
{
    struct skip skip = {.outside = walk->depth, .kept = kept};
    do {
        bool is_fine;
        char byte = walk_peek(walk);
        if (walk->at == walk->end)
            return false;
        if (byte == '{' || byte == '[')
            is_fine = skip_open(walk, &skip);
        else if (byte == '}' || byte == ']')
            is_fine = skip_close(walk, &skip);
        else if (byte == ',' || byte == ':')
            is_fine = skip_separator(walk, &skip);
        else
            is_fine = skip_scalar(walk, &skip);
        if (!is_fine)
            return false;
    } while (walk->depth > skip.outside);
    return true;
}

/* Behind an element or member: true if another follows; `at` is then before it. */
static bool next_follows(struct walk *walk, char close, bool *ret_fine)
{
    char byte = walk_peek(walk);
    *ret_fine = byte == ',' || byte == close;
    if (!*ret_fine)
        return false;
    walk->at++;
    if (byte == close)
        walk->depth--;
    return byte == ',';
}

/* Into a container; *ret_empty: it was empty and is left again. */
static bool open_container(struct walk *walk, char close, bool *ret_empty)
{
    if (!enter(walk))
        return false;
    *ret_empty = walk_peek(walk) == close;
    if (*ret_empty) {
        walk->at++;
        walk->depth--;
    }
    return true;
}

bool walk_members(struct walk *walk, walk_member_fn *on_member, size_t index)
{
    bool is_empty = false;
    if (!open_container(walk, '}', &is_empty) || is_empty)
        return is_empty;
    bool is_fine = true;
    unsigned members = 0;
    do {
        struct slice key;
        if (++members > WALK_MEMBERS_MAX)
            return walk_stop(walk, WALK_TOO_LONG);
        if (walk_peek(walk) != '"' || !skip_string(walk, &key) || walk_peek(walk) != ':')
            return false;
        walk->at++;
        walk_peek(walk);
        if (!on_member(walk, key, index))
            return false;
    } while (next_follows(walk, '}', &is_fine));
    return is_fine;
}

bool walk_elements(struct walk *walk, walk_element_fn *on_element)
{
    bool is_empty = false;
    if (!open_container(walk, ']', &is_empty) || is_empty)
        return is_empty;
    bool is_fine = true;
    size_t index = 0;
    do {
        walk_peek(walk);
        if (!on_element(walk, index++))
            return false;
    } while (next_follows(walk, ']', &is_fine));
    return is_fine;
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

/* "\u0062ody" is "body" too (RFC 8259 8.3). */
bool walk_key_is(struct slice key, const char *name)
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
