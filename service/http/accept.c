/* SPDX-License-Identifier: Apache-2.0 */
/* Reads Accept: a list of media ranges with their qualities. A parameter other than
 * charset=utf-8 makes a range one of representations we do not have (RFC 9110 12.5.1:
 * text/html;level=1), so it matches nothing here. Called once a batch by the handler. */
#include "http/accept.h"

#include "base/field_text.h"

#include <stddef.h>

enum { QUALITY_FULL = 1000, BREADTH_ALL = 1, BREADTH_TYPE, BREADTH_EXACT };

static const struct offer {
    const char *type;
    const char *subtype;
    const char *name;
    enum reply_form form;
} offers[ACCEPT_TYPES] = {
    {"application", "json", "application/json", REPLY_JSON},
    {"application", "x-ndjson", "application/x-ndjson", REPLY_NDJSON},
    {"application", "ndjson", "application/ndjson", REPLY_NDJSON},
    {"application", "jsonl", "application/jsonl", REPLY_NDJSON},
    {"text", "event-stream", "text/event-stream", REPLY_EVENTS},
};

struct reader {
    const char *at;
    const char *end;
};

static bool has(const struct reader *reader, char wanted)
{
    return reader->at < reader->end && *reader->at == wanted;
}

static bool skip(struct reader *reader, char wanted)
{
    bool is_there = has(reader, wanted);
    reader->at += is_there;
    return is_there;
}

static void skip_blanks(struct reader *reader)
{
    while (has(reader, ' ') || has(reader, '\t'))
        reader->at++;
}

/* Empty: there is none. */
static struct slice read_token(struct reader *reader)
{
    const char *begin = reader->at;
    while (reader->at < reader->end && field_is_token_byte(*reader->at))
        reader->at++;
    return slice_make(begin, (size_t)(reader->at - begin));
}

/* Behind its opening quote; false: it does not end. Its escapes stay as they are. */
static bool read_quoted(struct reader *reader, struct slice *ret_text)
{
    const char *begin = reader->at;
    while (reader->at < reader->end && *reader->at != '"')
        reader->at += *reader->at == '\\' ? 2 : 1;
    if (reader->at >= reader->end)
        return false;
    *ret_text = slice_make(begin, (size_t)(reader->at - begin));
    reader->at++;
    return true;
}

/* "0" or "1", a point and at most three digits, at most 1 (RFC 9110 12.4.2). */
static bool read_quality(struct slice text, unsigned short *ret_quality)
{
    if (text.len < 1 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
        (text.len > 1 && text.data[1] != '.'))
        return false;
    unsigned quality = (unsigned)(text.data[0] - '0') * QUALITY_FULL;
    unsigned unit = QUALITY_FULL / 10;
    for (size_t i = 2; i < text.len; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        quality += (unsigned)(text.data[i] - '0') * unit;
    }
    *ret_quality = (unsigned short)quality;
    return quality <= QUALITY_FULL;
}

struct range {
    struct slice type;
    struct slice subtype;
    unsigned short quality;
    bool is_narrower; /* by a parameter that none of ours has */
};

/* Behind its semicolon; an empty one is none (RFC 9110 5.6.6). */
static bool read_parameter(struct reader *reader, struct range *range)
{
    struct slice name = read_token(reader);
    struct slice value;
    if (name.len == 0)
        return true;
    if (!skip(reader, '='))
        return false;
    if (skip(reader, '"')) {
        if (!read_quoted(reader, &value))
            return false;
    } else {
        value = read_token(reader);
        if (value.len == 0)
            return false;
    }
    if (slice_is_ignoring_case(name, "q"))
        return read_quality(value, &range->quality);
    if (!slice_is_ignoring_case(name, "charset") ||
        !slice_is_ignoring_case(value, "utf-8"))
        range->is_narrower = true;
    return true;
}

static bool read_range(struct reader *reader, struct range *ret_range)
{
    struct range range = {.quality = QUALITY_FULL};
    range.type = read_token(reader);
    if (range.type.len == 0 || !skip(reader, '/'))
        return false;
    range.subtype = read_token(reader);
    if (range.subtype.len == 0 ||
        (slice_is(range.type, "*") && !slice_is(range.subtype, "*")))
        return false;
    for (skip_blanks(reader); skip(reader, ';'); skip_blanks(reader)) {
        skip_blanks(reader);
        if (!read_parameter(reader, &range))
            return false;
    }
    *ret_range = range;
    return true;
}

/* How closely the range describes the offer; 0: not at all. */
static unsigned char breadth_of(const struct range *range, const struct offer *offer)
{
    if (range->is_narrower)
        return 0;
    if (slice_is(range->type, "*"))
        return BREADTH_ALL;
    if (!slice_is_ignoring_case(range->type, offer->type))
        return 0;
    if (slice_is(range->subtype, "*"))
        return BREADTH_TYPE;
    return slice_is_ignoring_case(range->subtype, offer->subtype) ? BREADTH_EXACT : 0;
}

/* Of two ranges that say the same the better counts: it was asked for. */
static void note_range(struct accept *accept, const struct range *range)
{
    for (size_t i = 0; i < ACCEPT_TYPES; i++) {
        struct accept_quality *best = &accept->types[i];
        unsigned char breadth = breadth_of(range, &offers[i]);
        if (breadth > best->breadth ||
            (breadth > 0 && breadth == best->breadth && range->quality > best->quality))
            *best =
                (struct accept_quality){.breadth = breadth, .quality = range->quality};
    }
}

void accept_add(struct accept *accept, struct slice value)
{
    accept->is_there = true;
    if (value.len == 0)
        return;
    struct reader reader = {.at = value.data, .end = value.data + value.len};
    for (;;) {
        struct range range;
        skip_blanks(&reader);
        while (skip(&reader, ',')) /* empty elements are allowed (RFC 9110 5.6.1.2) */
            skip_blanks(&reader);
        if (reader.at == reader.end)
            return;
        if (!read_range(&reader, &range) || (reader.at < reader.end && *reader.at != ','))
            break;
        note_range(accept, &range);
    }
    accept->is_malformed = true;
}

struct accept_choice accept_choose(const struct accept *accept)
{
    const struct offer *best = &offers[0];
    unsigned short quality = 0;
    for (size_t i = 0; i < ACCEPT_TYPES && accept->is_there && !accept->is_malformed;
         i++) {
        if (accept->types[i].quality <= quality)
            continue;
        best = &offers[i];
        quality = accept->types[i].quality;
    }
    return (struct accept_choice){.form = best->form, .content_type = best->name};
}
