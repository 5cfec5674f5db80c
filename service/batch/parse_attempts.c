/* SPDX-License-Identifier: Apache-2.0 */
/* What an item wants when an attempt fails: "idempotencyKey", "alternatives" and
 * "fallback"; and what of it its method forbids. Called by parse_item. */
#include "batch/parse_internal.h"

#include "batch/attempts.h"
#include "batch/fallback.h"

#include <string.h>

enum {
    KEY_BYTES_MAX = 255, /* Stripe's limit, which others took over */
    STATUS_LEAST = 200,
    STATUS_MOST = 599,
};

/* --------------------------------------------------------------- idempotencyKey */

void take_idempotency_key(struct parser *parser, struct item_fields *fields,
                          json_t *value, struct place place, const struct field_row *row)
{
    place = place_field(place, row->name);
    struct slice key = slice_make(json_string_value(value), json_string_length(value));
    if (!json_is_string(value) || key.len < 1 || key.len > KEY_BYTES_MAX) {
        report_error(parser->errors, place, "must be a string of 1 to %d bytes",
                     KEY_BYTES_MAX);
        return;
    }
    const char *fault = header_value_fault(key);
    if (fault)
        report_error(parser->errors, place, "%s", fault);
    else
        fields->options.idempotency_key = key;
}

/* The item's lines and one more; behind them, as always, the content-type's. */
static void add_key_header(struct parser *parser, struct item *item, struct place place)
{
    static const char name[] = "idempotency-key";
    size_t count = item->header_count;
    for (size_t i = 0; i < count; i++) {
        if (slice_is_ignoring_case(item->headers[i].name, name)) {
            report_error(parser->errors, place_field(place, "idempotencyKey"),
                         "is given as the header Idempotency-Key as well: give one");
            return;
        }
    }
    struct call_header *lines =
        arena_take(&parser->document->arena, (count + 2) * sizeof *lines);
    if (!lines) {
        parser->is_out_of_memory = true;
        return;
    }
    if (count)
        memcpy(lines, item->headers, count * sizeof *lines);
    lines[count] = (struct call_header){.name = slice_from("Idempotency-Key"),
                                        .value = item->options->idempotency_key};
    lines[count + 1] = item->headers[count];
    item->headers = lines;
    item->header_count = count + 1;
}

void parse_attempts(struct parser *parser, struct item *item,
                    const struct item_fields *own, struct place place)
{
    const struct item_options *options = item->options;
    bool is_safe = item->method == METHOD_GET || item->method == METHOD_HEAD ||
                   item->method == METHOD_OPTIONS;
    if (options->hedge_after_ms >= 0 && !is_safe) {
        bool is_own = own->options.hedge_after_ms >= 0;
        report_error(parser->errors, is_own ? place_field(place, "hedgeAfterMs") : place,
                     "a %s request is not sent twice at once%s: only GET, HEAD and "
                     "OPTIONS take \"hedgeAfterMs\"",
                     call_method_name(item->method),
                     is_own ? "" : " (the defaults say so)");
    }
    if (options->idempotency_key.data)
        add_key_header(parser, item, place);
}

/* ----------------------------------------------------------------- alternatives */

void take_alternatives(struct parser *parser, struct item_fields *fields, json_t *value,
                       struct place place, const struct field_row *row)
{
    size_t count = json_array_size(value);
    place = place_field(place, row->name);
    if (!json_is_array(value) || count < 1 || count > ALTERNATIVES_MAX) {
        report_error(parser->errors, place, "must be an array of 1 to %d URLs",
                     ALTERNATIVES_MAX);
        return;
    }
    struct slice *urls = arena_take(&parser->document->arena, count * sizeof *urls);
    if (!urls) {
        parser->is_out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        json_t *url = json_array_get(value, i);
        char index[2] = {(char)('0' + i), '\0'};
        if (!json_is_string(url)) {
            report_error(parser->errors, place_name(place, row->name, slice_from(index)),
                         "must be a URL");
            return;
        }
        urls[i] = slice_make(json_string_value(url), json_string_length(url));
        /* Braces are no characters of a URL (RFC 3986 2.2, 2.3): two were meant as a
         * reference. */
        if (strstr(urls[i].data, "{{"))
            report_error(
                parser->errors, place_name(place, row->name, slice_from(index)),
                "references do not go into alternatives; a literal brace is %%7B");
    }
    fields->options.alternatives = urls;
    fields->options.alternative_count = count;
}

/* --------------------------------------------------------------------- fallback */

/* The members as given. */
struct fallback_fields {
    struct header_set headers;
    enum body_encoding encoding;
    bool has_body;
    int status;
};

static void take_status(struct parser *parser, json_t *value, struct place place,
                        int *ret_status)
{
    json_int_t status = json_is_integer(value) ? json_integer_value(value) : -1;
    if (status < STATUS_LEAST || status > STATUS_MOST)
        report_error(parser->errors, place_field(place, "status"),
                     "must be an integer from %d to %d", STATUS_LEAST, STATUS_MOST);
    else
        *ret_status = (int)status;
}

static void take_members(struct parser *parser, json_t *object, struct place place,
                         struct fallback_fields *fields)
{
    static const char *const names[] = {"status", "headers", "body", "bodyEncoding"};
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (strcmp(name, "status") == 0)
            take_status(parser, value, place, &fields->status);
        else if (strcmp(name, "headers") == 0)
            parse_headers(parser, value, NULL, place, &fields->headers);
        else if (strcmp(name, "body") == 0)
            fields->has_body = true;
        else if (strcmp(name, "bodyEncoding") == 0)
            parse_body_encoding(parser, value, place, &fields->encoding);
        else
            report_unknown(parser->errors, place_field(place, NULL), name, names, 4);
    }
}

/* Outcomes have names in lower case. */
static const struct call_header *
lower_names(struct parser *parser, const struct call_header *headers, size_t count)
{
    struct arena *arena = &parser->document->arena;
    struct call_header *lines = arena_take(arena, (count + 1) * sizeof *lines);
    for (size_t i = 0; lines && i < count; i++) {
        struct slice name = headers[i].name;
        char *text = arena_take(arena, name.len + 1);
        if (!text)
            return NULL;
        for (size_t j = 0; j < name.len; j++) {
            bool is_capital = name.data[j] >= 'A' && name.data[j] <= 'Z';
            text[j] = (char)(is_capital ? name.data[j] | 32 : name.data[j]);
        }
        text[name.len] = '\0';
        lines[i] = (struct call_header){.name = slice_make(text, name.len),
                                        .value = headers[i].value};
    }
    return lines;
}

static struct slice content_type_of(const struct fallback *fallback)
{
    struct slice type = slice_make(NULL, 0);
    for (size_t i = 0; i < fallback->header_count; i++) {
        if (slice_is(fallback->headers[i].name, "content-type"))
            type = fallback->headers[i].value;
    }
    return type;
}

static bool make_fallback(struct parser *parser, const struct fallback_fields *fields,
                          struct body_source *source, struct fallback *fallback)
{
    bool is_json = false;
    size_t count = fields->headers.count;
    fallback->status = fields->status;
    if (fields->has_body &&
        !parse_body(parser, source, fields->encoding, &fallback->body, &is_json))
        return false;
    if (is_json && !fields->headers.has_content_type)
        count++; /* header_set keeps it behind the last line */
    fallback->headers = lower_names(parser, fields->headers.lines, count);
    if (!fallback->headers) {
        parser->is_out_of_memory = true;
        return false;
    }
    fallback->header_count = count;
    fallback->content_type = content_type_of(fallback);
    return true;
}

void take_fallback(struct parser *parser, struct item_fields *fields, json_t *value,
                   struct place place, const struct field_row *row)
{
    if (!json_is_object(value)) {
        report_error(parser->errors, place_field(place, row->name),
                     "must be an object: {\"status\": 200, \"body\": …}");
        return;
    }
    struct body_source source = {.place = place};
    source.place.outer = row->name;
    source.raw = fields == &parser->defaults
                     ? parser->spans.defaults[SPAN_FALLBACK_BODY]
                     : body_spans_of(&parser->spans, *place.index, SPAN_FALLBACK_BODY,
                                     &parser->spans_cursor);
    struct fallback_fields given = {.headers = no_headers, .status = STATUS_LEAST};
    take_members(parser, value, source.place, &given);
    if (given.has_body && !source.raw.data) {
        report_error(parser->errors, place_field(source.place, "body"), "cannot be read");
        return;
    }
    struct fallback *fallback = arena_take(&parser->document->arena, sizeof *fallback);
    if (!fallback) {
        parser->is_out_of_memory = true;
        return;
    }
    *fallback = (struct fallback){0};
    if (make_fallback(parser, &given, &source, fallback))
        fields->options.fallback = fallback;
}
