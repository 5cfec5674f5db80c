/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a query string apart into names and values (the form-urlencoded rules of the URL
 * standard). It judges no name: parse_query does. Called by handle_batch.c. */
#include "http/query.h"

#include "base/hex.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Decodes `text` to *out and moves *out behind it; the decoded form is never longer.
 * False on a broken escape, and on a NUL, which would end strings early further down. */
static bool decode(struct slice text, char **out, struct slice *ret_decoded)
{
    char *start = *out;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        *(*out)++ = c;
    }
    *ret_decoded = slice_make(start, (size_t)(*out - start));
    return true;
}

static size_t count_parts(struct slice text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '&';
    return count;
}

/* Up to the next '&', which is skipped. */
static struct slice next_part(struct slice *rest)
{
    const char *end = memchr(rest->data, '&', rest->len);
    struct slice part =
        slice_make(rest->data, end ? (size_t)(end - rest->data) : rest->len);
    size_t skip = end ? part.len + 1 : part.len;
    *rest = slice_make(rest->data + skip, rest->len - skip);
    return part;
}

static bool add_argument(struct query *query, struct slice part, char **out,
                         struct error *err)
{
    const char *equals = memchr(part.data, '=', part.len);
    size_t name_len = equals ? (size_t)(equals - part.data) : part.len;
    size_t value_at = equals ? name_len + 1 : name_len;
    struct parse_argument *argument = &query->arguments[query->count];
    if (!decode(slice_make(part.data, name_len), out, &argument->name) ||
        !decode(slice_make(part.data + value_at, part.len - value_at), out,
                &argument->value))
        return error_set(err, ERROR_INVALID,
                         "argument %zu of the query has a broken percent escape",
                         query->count);
    query->count++;
    return true;
}

bool query_parse(struct slice text, size_t max, struct query *ret_query,
                 struct error *err)
{
    struct query query = {.arguments = NULL};
    size_t parts = count_parts(text);
    if (parts > max)
        return error_set(err, ERROR_LIMIT, "the query has more than %zu arguments", max);
    query.arguments = memory_try_array(parts, sizeof *query.arguments);
    query.text = memory_try_array(text.len + 1, 1);
    char *out = query.text;
    bool is_ok = (query.arguments && query.text) ||
                 error_set(err, ERROR_SYSTEM, "no memory for the query");
    while (is_ok && text.len) {
        struct slice part = next_part(&text);
        is_ok = part.len == 0 || add_argument(&query, part, &out, err);
    }
    if (!is_ok) {
        query_done(&query);
        return false;
    }
    *ret_query = query;
    return true;
}

void query_done(struct query *query)
{
    free(query->arguments);
    free(query->text);
    *query = (struct query){.arguments = NULL};
}
