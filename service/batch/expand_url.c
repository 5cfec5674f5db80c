/* SPDX-License-Identifier: Apache-2.0 */
/* References in URLs. The literal text alone decides what is scheme, authority, path and
 * query: values are encoded so that none of them holds a delimiter.
 *
 * A segment of the path that a value has a part in must not become empty (DELETE
 * /users/{id} would be another request), nor climb: "." and "..", also by %2e, before a
 * ";", or behind a %2f that some upstream undoes. Called through template.h. */
#include "batch/template_value.h"

#include <string.h>
#include <strings.h>

enum url_part { IN_SCHEME, IN_AUTHORITY, IN_PATH, IN_QUERY /* or the fragment */ };

struct place {
    enum url_part part;
    size_t matched; /* of "://" */
};

/* One byte further. True: it ended a segment of the path. */
static bool step(struct place *place, char byte)
{
    static const char separator[] = "://";
    switch (place->part) {
    case IN_SCHEME:
        if (byte != separator[place->matched])
            place->matched = 0;
        else if (++place->matched == 3)
            place->part = IN_AUTHORITY;
        return false;
    case IN_AUTHORITY:
        if (byte == '/')
            place->part = IN_PATH;
        else if (byte == '?' || byte == '#')
            place->part = IN_QUERY;
        return false;
    case IN_PATH:
        if (byte == '?' || byte == '#')
            place->part = IN_QUERY;
        return byte == '/' || byte == '?' || byte == '#';
    case IN_QUERY:
        break;
    }
    return false;
}

static bool is_open_escape(struct slice literal)
{
    size_t len = literal.len;
    return (len > 0 && literal.data[len - 1] == '%') ||
           (len > 1 && literal.data[len - 2] == '%');
}

const char *template_url_fault(const struct template *url)
{
    struct place place = {.part = IN_SCHEME};
    if (template_is_one(url))
        return NULL;
    for (size_t i = 0; i < url->count; i++) {
        struct slice literal = url->parts[i].literal;
        for (size_t j = 0; j < literal.len; j++)
            step(&place, literal.data[j]);
        if (url->parts[i].reference == TEMPLATE_END)
            continue;
        if (place.part < IN_PATH)
            return "has a reference in its scheme, host or port; a reference may stand "
                   "behind the host, or be the whole URL";
        if (is_open_escape(literal))
            return "has a reference inside a %-escape";
    }
    return NULL;
}

void expansion_encode(struct buffer *out, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char unreserved[] = "-._~";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        bool is_alphanumeric =
            (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z');
        char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        if (is_alphanumeric || (byte && strchr(unreserved, byte)))
            buffer_append_byte(out, (char)byte);
        else
            buffer_append(out, escape, sizeof escape);
    }
}

/* How many bytes at `text` mean a dot: 0, 1, or 3 for %2e. */
static size_t dot_length(struct slice text)
{
    if (text.len > 0 && text.data[0] == '.')
        return 1;
    return text.len >= 3 && strncasecmp(text.data, "%2e", 3) == 0 ? 3 : 0;
}

/* How many bytes at `text` end a step of a path for whoever undoes escapes; 0: none. */
static size_t slash_length(struct slice text)
{
    bool is_slash = text.len >= 3 && (strncasecmp(text.data, "%2f", 3) == 0 ||
                                      strncasecmp(text.data, "%5c", 3) == 0);
    return is_slash ? 3 : 0;
}

static struct slice from(struct slice text, size_t offset)
{
    return slice_make(text.data + offset, text.len - offset);
}

static bool climbs(struct slice segment)
{
    for (;;) {
        size_t dots = 0;
        size_t len;
        while ((len = dot_length(segment)) > 0) {
            segment = from(segment, len);
            dots++;
        }
        bool is_end = segment.len == 0 || segment.data[0] == ';' || slash_length(segment);
        if (is_end && (dots == 1 || dots == 2))
            return true;
        while (segment.len && !slash_length(segment))
            segment = from(segment, 1);
        if (segment.len == 0)
            return false;
        segment = from(segment, slash_length(segment));
    }
}

/* The path being written. */
struct writer {
    struct expansion *expansion;
    struct buffer *out;
    struct place place;
    size_t segment; /* where it begins in `out` */
    int reference;  /* the last one that has a part in it; -1: none */
};

static bool end_segment(struct writer *writer, size_t end)
{
    struct slice segment =
        slice_make(writer->out->data + writer->segment, end - writer->segment);
    int reference = writer->reference;
    writer->segment = end + 1;
    writer->reference = -1;
    if (reference < 0)
        return true;
    if (segment.len == 0)
        return expansion_fail(writer->expansion, reference,
                              "is empty: a step of the URL's path would be missing");
    if (climbs(segment))
        return expansion_fail(writer->expansion, reference,
                              "would make . or .. of a step of the URL's path");
    return true;
}

static bool write_literal(struct writer *writer, struct slice literal)
{
    size_t start = writer->out->len;
    if (!buffer_append(writer->out, literal.data, literal.len))
        return literal.len == 0 || expansion_fail(writer->expansion, -1, NULL);
    for (size_t i = 0; i < literal.len; i++) {
        bool was_authority = writer->place.part == IN_AUTHORITY;
        if (step(&writer->place, literal.data[i]) && !end_segment(writer, start + i))
            return false;
        if (was_authority && writer->place.part == IN_PATH)
            writer->segment = start + i + 1;
    }
    return true;
}

static bool write_value(struct writer *writer, int reference)
{
    struct slice value;
    if (!expansion_value(writer->expansion, reference, &value))
        return false;
    expansion_encode(writer->out, value);
    if (writer->out->failed)
        return expansion_fail(writer->expansion, -1, NULL);
    if (writer->place.part == IN_PATH)
        writer->reference = reference;
    return true;
}

static bool expand_whole(struct expansion *expansion, int reference, struct buffer *out)
{
    const struct template_value *given = &expansion->values[reference];
    struct slice value;
    if (!given->is_text && given->bytes.data[0] != '"')
        return expansion_fail(expansion, reference, "is no string, as a URL is");
    if (!expansion_value(expansion, reference, &value))
        return false;
    if (value.len && memchr(value.data, '\0', value.len))
        return expansion_fail(expansion, reference, "holds a NUL, which no URL does");
    if (!buffer_append(out, value.data, value.len) && value.len > 0)
        return expansion_fail(expansion, -1, NULL);
    return true;
}

bool expand_url(struct expansion *expansion, const struct template *url,
                struct buffer *out)
{
    if (template_is_one(url))
        return expand_whole(expansion, url->parts[0].reference, out);
    struct writer writer = {
        .expansion = expansion, .out = out, .segment = out->len, .reference = -1};
    for (size_t i = 0; i < url->count; i++) {
        const struct template_part *part = &url->parts[i];
        if (!write_literal(&writer, part->literal))
            return false;
        if (part->reference != TEMPLATE_END && !write_value(&writer, part->reference))
            return false;
    }
    return writer.place.part != IN_PATH || end_segment(&writer, out->len);
}
