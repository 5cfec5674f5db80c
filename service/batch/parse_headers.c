/* SPDX-License-Identifier: Apache-2.0 */
/* An item's "headers": {"name": "value", "name": ["value", "value"]} → header lines to
 * send.
 *
 * What is not a field name or value by RFC 9110 (5.1, 5.5) is refused, not repaired: a
 * line feed in a value would be a header of its own. So are names that belong to the
 * connection or the framing, which are the gateway's, and Host, which is the URL's unless
 * the caller's rule says otherwise.
 * Called by parse_item. */
#include "batch/parse_internal.h"

#include "base/field_text.h"

#include <string.h>
#include <strings.h>

#define JSON_CONTENT_TYPE                                                                \
    {                                                                                    \
        .name = {"content-type", 12},                                                    \
        .value = {"application/json", 16},                                               \
    }
static const struct call_header json_content_type[1] = {JSON_CONTENT_TYPE};
const struct header_set no_headers = {.lines = json_content_type};

/* Why a name may not be set; NULL: it may. Beyond RFC 9110 7.6.1 and the framing these
 * are names that change what happens between two hops. */
static const char *reserved_reason(const char *name, bool may_set_host)
{
    static const char *const reserved[] = {
        "connection", "keep-alive",     "te",     "trailer",        "transfer-encoding",
        "upgrade",    "content-length", "expect", "http2-settings",
    };
    if (strcasecmp(name, "host") == 0)
        return may_set_host ? NULL : "may not be set: the host comes from the url";
    bool is_reserved = strncasecmp(name, "proxy-", 6) == 0;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        is_reserved |= strcasecmp(name, reserved[i]) == 0;
    return is_reserved
               ? "may not be set: it belongs to the connection, which is the gateway's"
               : NULL;
}

/* RFC 9110 5.5, with the obs-text that carries UTF-8. */
const char *header_value_fault(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return "must hold no control characters or line breaks";
    }
    if (value.len &&
        (strchr(" \t", value.data[0]) || strchr(" \t", value.data[value.len - 1])))
        return "must not begin or end with white space";
    return NULL;
}

/* uri-host [":" port] (RFC 9110 7.2) by its characters: one word, so that no upstream can
 * read two hosts out of it. */
static const char *host_fault(struct slice value)
{
    static const char others[] = "-._~:[]";
    for (size_t i = 0; i < value.len; i++) {
        char byte = value.data[i];
        bool is_alphanumeric =
            (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z');
        if (!is_alphanumeric && !strchr(others, byte))
            return "must be a host, with or without :port";
    }
    return value.len ? NULL : "must be a host, with or without :port";
}

/* The list being made; room for all lines was taken before. */
struct maker {
    struct parser *parser;
    struct place place;
    struct call_header *lines;
    size_t count;
    size_t bytes;
    bool has_braces;
};

static void add_line(struct maker *maker, struct slice name, struct slice value)
{
    maker->lines[maker->count++] = (struct call_header){.name = name, .value = value};
    maker->bytes += name.len + value.len;
    maker->has_braces |= value.len > 0 && memchr(value.data, '{', value.len) != NULL;
}

static bool check_name(struct maker *maker, const char *name, size_t own_from)
{
    struct parse_errors *errors = maker->parser->errors;
    struct place place = place_name(maker->place, "headers", slice_from(name));
    const char *reserved = reserved_reason(name, maker->parser->may_set_host);
    if (!field_is_token(slice_from(name))) {
        report_error(errors, place,
                     "is not a header name: letters, digits and !#$%%&'*+-.^_`|~");
        return false;
    }
    if (reserved) {
        report_error(errors, place, "%s", reserved);
        return false;
    }
    for (size_t i = own_from; i < maker->count; i++) {
        if (slice_is_ignoring_case(maker->lines[i].name, name)) {
            report_error(errors, place,
                         "is given twice: names differ in case only; give one "
                         "name an array of values");
            return false;
        }
    }
    return true;
}

/* One value of the header `name`; false: it is wrong, and reported. */
static bool take_value(struct maker *maker, const char *name, json_t *value)
{
    struct place place = place_name(maker->place, "headers", slice_from(name));
    if (!json_is_string(value)) {
        report_error(maker->parser->errors, place,
                     "must be a string or an array of strings");
        return false;
    }
    struct slice text = slice_make(json_string_value(value), json_string_length(value));
    const char *fault = strcasecmp(name, "host") == 0 ? host_fault(text) : NULL;
    if (!fault)
        fault = header_value_fault(text);
    if (fault) {
        report_error(maker->parser->errors, place, "%s", fault);
        return false;
    }
    add_line(maker, slice_from(name), text);
    return true;
}

static void take_header(struct maker *maker, const char *name, json_t *value,
                        size_t own_from)
{
    if (!check_name(maker, name, own_from))
        return;
    if (!json_is_array(value)) {
        take_value(maker, name, value);
        return;
    }
    if (strcasecmp(name, "host") == 0 && json_array_size(value) != 1) {
        report_error(maker->parser->errors,
                     place_name(maker->place, "headers", slice_from(name)),
                     "must be one host");
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!take_value(maker, name, json_array_get(value, i)))
            return;
    }
}

static bool names(json_t *headers, struct slice name)
{
    const char *key;
    json_t *value;
    json_object_foreach(headers, key, value)
    {
        if (slice_is_ignoring_case(name, key))
            return true;
    }
    return false;
}

/* Lines that `value` would add, whatever they are. */
static size_t count_lines(json_t *value)
{
    size_t lines = 0;
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member)
    {
        lines += json_is_array(member) ? json_array_size(member) : 1;
    }
    return lines;
}

static void fill(struct maker *maker, json_t *value, const struct header_set *defaults,
                 struct header_set *ret_headers)
{
    for (size_t i = 0; defaults && i < defaults->count; i++) {
        if (!names(value, defaults->lines[i].name))
            add_line(maker, defaults->lines[i].name, defaults->lines[i].value);
    }
    size_t own_from = maker->count;
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member)
    {
        take_header(maker, key, member, own_from);
    }
    maker->lines[maker->count] = json_content_type[0];
    *ret_headers = (struct header_set){
        .lines = maker->lines,
        .count = maker->count,
        .bytes = maker->bytes,
        .has_content_type = (defaults && defaults->has_content_type) ||
                            names(value, json_content_type[0].name),
        .has_braces = maker->has_braces,
    };
}

void parse_headers(struct parser *parser, json_t *value,
                   const struct header_set *defaults, struct place place,
                   struct header_set *ret_headers)
{
    *ret_headers = no_headers;
    if (!json_is_object(value)) {
        report_error(parser->errors, place_field(place, "headers"),
                     "must be an object: {\"name\": \"value\"}");
        return;
    }
    size_t lines = count_lines(value);
    size_t inherited = defaults ? defaults->count : 0;
    if (lines > HEADER_LINES_MAX) {
        report_error(parser->errors, place_field(place, "headers"),
                     "must be at most %d header lines", HEADER_LINES_MAX);
        return;
    }
    struct maker maker = {.parser = parser, .place = place};
    maker.lines = arena_take(&parser->document->arena,
                             (inherited + lines + 1) * sizeof *maker.lines);
    if (!maker.lines) {
        parser->is_out_of_memory = true;
        return;
    }
    fill(&maker, value, defaults, ret_headers);
    if (ret_headers->count > HEADER_LINES_MAX)
        report_error(parser->errors, place_field(place, "headers"),
                     "must be at most %d header lines, the defaults' included",
                     HEADER_LINES_MAX);
    if (ret_headers->bytes > HEADER_BYTES_MAX)
        report_error(parser->errors, place_field(place, "headers"),
                     "must be at most %d bytes of names and values", HEADER_BYTES_MAX);
}
