/* SPDX-License-Identifier: Apache-2.0 */
/* One request of the batch: a table of its fields, each with who reads it, then the merge
 * with the defaults. Knows the shape only: whether a URL is good is decided when it is
 * fetched, and what the server's limits make of a wish is the plan's. Called by
 * parse_batch and parse_query. */
#include "batch/parse_internal.h"
#include "batch/parse_shared.h"
#include "batch/parse_references.h"

#include "batch/attempts.h"
#include "batch/parse_shape.h"
#include "fetch/call.h"

#include <stddef.h>
#include <string.h>

static take_fn take_id, take_url, take_method, take_headers, take_body,
    take_body_encoding, take_integer, take_flag;

static const struct field_row rows[] = {
    {"url", take_url, false, false, 0, 0, 0},
    {"id", take_id, false, false, 0, 0, 0},
    {"method", take_method, true, false, 0, 0, 0},
    {"headers", take_headers, true, false, 0, 0, 0},
    {"body", take_body, true, false, 0, 0, 0},
    {"bodyEncoding", take_body_encoding, true, false, 0, 0, 0},
    {"timeoutMs", take_integer, true, false, offsetof(struct item_fields, timeout_ms), 1,
     TIMEOUT_MS_MAX},
    {"connectTimeoutMs", take_integer, true, false,
     offsetof(struct item_fields, connect_timeout_ms), 1, TIMEOUT_MS_MAX},
    {"redirects", take_integer, true, false, offsetof(struct item_fields, redirects), 0,
     REDIRECTS_MAX},
    {"maxBodyBytes", take_integer, true, false,
     offsetof(struct item_fields, max_body_bytes), 1, BODY_BYTES_MAX},
    {"optional", take_flag, true, true, offsetof(struct item_fields, options.is_optional),
     0, 1},
    {"coalesce", take_flag, true, true, offsetof(struct item_fields, options.coalesces),
     0, 1},
    {"references", take_flag, true, true,
     offsetof(struct item_fields, options.takes_references), 0, 1},
    {"retries", take_integer, true, true, offsetof(struct item_fields, options.retries),
     0, RETRIES_MAX},
    {"hedgeAfterMs", take_integer, true, true,
     offsetof(struct item_fields, options.hedge_after_ms), 1, TIMEOUT_MS_MAX},
    {"idempotencyKey", take_idempotency_key, false, true, 0, 0, 0},
    {"alternatives", take_alternatives, true, true, 0, 0, 0},
    {"fallback", take_fallback, true, true, 0, 0, 0},
    {"expect", take_expect, true, true, 0, 0, 0},
    {"sign", take_sign, true, true, 0, 0, 0},
    {"select", take_select, true, true, 0, 0, 0},
    {"bodyMode", take_body_mode, true, true, 0, 0, 0},
    {"responseHeaders", take_response_headers, true, true, 0, 0, 0},
    {"dependsOn", take_depends_on, false, false, 0, 0, 0},
    {"forEach", take_for_each, false, false, 0, 0, 0},
    {"as", take_as, false, false, 0, 0, 0},
    {"max", take_integer, false, false, offsetof(struct item_fields, for_each_max), 1,
     FOR_EACH_MAX},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

void item_fields_init(struct item_fields *fields)
{
    *fields = (struct item_fields){
        .method = -1,
        .headers = no_headers,
        .timeout_ms = -1,
        .connect_timeout_ms = -1,
        .redirects = -1,
        .max_body_bytes = -1,
        .for_each_max = -1,
    };
    item_options_init(&fields->options);
}

static bool take_string(struct parser *parser, json_t *value, struct place place,
                        struct slice *ret_text)
{
    if (!json_is_string(value)) {
        report_error(parser->errors, place, "must be a string");
        return false;
    }
    *ret_text = slice_make(json_string_value(value), json_string_length(value));
    return true;
}

static void take_url(struct parser *parser, struct item_fields *fields, json_t *value,
                     struct place place, const struct field_row *row)
{
    place = place_field(place, row->name);
    if (!take_string(parser, value, place, &fields->url))
        fields->url = slice_make("", 0); /* given: it is not missing as well */
}

/* UTF-8 was checked: every byte but a continuation begins a character. */
static size_t count_characters(struct slice text)
{
    size_t characters = 0;
    for (size_t i = 0; i < text.len; i++)
        characters += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return characters;
}

static void take_id(struct parser *parser, struct item_fields *fields, json_t *value,
                    struct place place, const struct field_row *row)
{
    struct slice id;
    place = place_field(place, row->name);
    if (!take_string(parser, value, place, &id))
        return;
    size_t characters = count_characters(id);
    if (characters < 1 || characters > ID_CHARACTERS_MAX)
        report_error(parser->errors, place, "must be a string of 1 to %d characters",
                     ID_CHARACTERS_MAX);
    else
        fields->id = id;
}

static void take_method(struct parser *parser, struct item_fields *fields, json_t *value,
                        struct place place, const struct field_row *row)
{
    struct slice text;
    enum call_method method;
    place = place_field(place, row->name);
    if (!take_string(parser, value, place, &text))
        return;
    if (call_method_parse(text, &method)) {
        fields->method = (int)method;
        return;
    }
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        if (slice_is_ignoring_case(text, call_method_name((enum call_method)i))) {
            report_error(parser->errors, place, "methods are written in capitals: \"%s\"",
                         call_method_name((enum call_method)i));
            return;
        }
    }
    report_error(parser->errors, place,
                 "must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS");
}

static void take_headers(struct parser *parser, struct item_fields *fields, json_t *value,
                         struct place place, const struct field_row *row)
{
    (void)row;
    const struct header_set defaults = parser->defaults.headers; /* it may be `fields` */
    parse_headers(parser, value, &defaults, place, &fields->headers);
}

static void take_body(struct parser *parser, struct item_fields *fields, json_t *value,
                      struct place place, const struct field_row *row)
{
    (void)value; /* a stand-in */
    struct slice raw = fields == &parser->defaults
                           ? parser->spans.defaults[SPAN_BODY]
                           : body_spans_of(&parser->spans, *place.index, SPAN_BODY,
                                           &parser->spans_cursor);
    if (!raw.data) {
        report_error(parser->errors, place_field(place, row->name), "cannot be read");
        return;
    }
    fields->body = (struct body_source){.raw = raw, .place = place};
}

static void take_body_encoding(struct parser *parser, struct item_fields *fields,
                               json_t *value, struct place place,
                               const struct field_row *row)
{
    (void)row;
    parse_body_encoding(parser, value, place, &fields->body_encoding);
}

static void take_integer(struct parser *parser, struct item_fields *fields, json_t *value,
                         struct place place, const struct field_row *row)
{
    /* A real that happens to be whole is refused as well: 1e3 or 100.0 is no way to write
     * a number of milliseconds. */
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (!json_is_integer(value) || number < row->min || number > row->max) {
        report_error(parser->errors, place_field(place, row->name),
                     "must be an integer from %lld to %lld", (long long)row->min,
                     (long long)row->max);
        return;
    }
    *(int64_t *)(void *)((char *)fields + row->offset) = number;
}

static void take_flag(struct parser *parser, struct item_fields *fields, json_t *value,
                      struct place place, const struct field_row *row)
{
    if (json_is_boolean(value))
        *(int64_t *)(void *)((char *)fields + row->offset) = json_is_true(value);
    else
        report_error(parser->errors, place_field(place, row->name),
                     "must be true or false");
}

static void report_unknown_field(struct parser *parser, struct place place,
                                 const char *name)
{
    const char *names[ROW_COUNT];
    for (size_t i = 0; i < ROW_COUNT; i++)
        names[i] = rows[i].name;
    report_unknown(parser->errors, place, name, names, ROW_COUNT);
}

static void take_fields(struct parser *parser, struct item_fields *fields, json_t *object,
                        struct place place)
{
    bool is_defaults = fields == &parser->defaults;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        size_t i = 0;
        while (i < ROW_COUNT && strcmp(rows[i].name, name) != 0)
            i++;
        if (i == ROW_COUNT)
            report_unknown_field(parser, place, name);
        else if (is_defaults && !rows[i].is_default)
            report_error(parser->errors, place_field(place, name),
                         "cannot be a default: each request has its own");
        else
            rows[i].take(parser, fields, value, place, &rows[i]);
        fields->has_options |= i < ROW_COUNT && rows[i].is_option;
    }
    if (fields->shape)
        parse_shape(parser, fields, place);
}

static void set_body(struct parser *parser, struct item *item, struct item_fields *own,
                     struct place place)
{
    struct body_source *source = own->body.raw.data ? &own->body : &parser->defaults.body;
    if (!source->raw.data)
        return;
    if (item->method == METHOD_GET || item->method == METHOD_HEAD) {
        /* RFC 9110 9.3.1: such content has no meaning, and often the method was
         * forgotten. */
        const char *whose = source == &own->body ? "" : " (the defaults give one)";
        report_error(
            parser->errors, source == &own->body ? place_field(place, "body") : place,
            "a %s request carries no body%s: \"method\" must be POST, PUT, PATCH, "
            "DELETE or OPTIONS",
            call_method_name(item->method), whose);
        return;
    }
    enum body_encoding encoding = own->body_encoding != BODY_NONE
                                      ? own->body_encoding
                                      : parser->defaults.body_encoding;
    item->has_shared_body = parse_shared_is_meant(source->raw);
    if (item->has_shared_body)
        source = parse_shared_body(parser, own, place, &encoding);
    bool is_json;
    if (!source || !parse_body(parser, source, encoding, &item->body, &is_json))
        return;
    item->has_body = true;
    if (is_json && !own->headers.has_content_type)
        item->header_count++; /* header_set keeps it behind the last line */
}

static int64_t first_given(int64_t own, int64_t by_default)
{
    return own >= 0 ? own : by_default;
}

/* NULL for the plain items that most are; without options of its own an item shares the
 * defaults'. */
static const struct item_options *options_of(struct parser *parser,
                                             struct item_fields *own)
{
    if (!own->has_options)
        return parser->default_options;
    if (own->shape)
        parse_shape_merge(parser, own);
    struct item_options *options = arena_take(&parser->document->arena, sizeof *options);
    if (!options) {
        parser->is_out_of_memory = true;
        return NULL;
    }
    *options = own->options;
    if (parser->default_options)
        item_options_merge(options, parser->default_options);
    return options;
}

/* The item's own fields over the defaults'; own->headers are merged already. */
static void merge(struct parser *parser, struct item *item, struct item_fields *own,
                  struct place place)
{
    const struct item_fields *defaults = &parser->defaults;
    int64_t method = first_given(first_given(own->method, defaults->method), METHOD_GET);
    int64_t timeout_ms = first_given(own->timeout_ms, defaults->timeout_ms);
    int64_t connect_timeout_ms =
        first_given(own->connect_timeout_ms, defaults->connect_timeout_ms);
    int64_t max_body_bytes = first_given(own->max_body_bytes, defaults->max_body_bytes);
    item->id = own->id;
    item->url = own->url;
    item->method = (enum call_method)method;
    item->headers = own->headers.lines;
    item->header_count = own->headers.count;
    item->timeout_ms = timeout_ms > 0 ? (uint32_t)timeout_ms : 0;
    item->connect_timeout_ms = connect_timeout_ms > 0 ? (uint32_t)connect_timeout_ms : 0;
    item->redirects = (int32_t)first_given(own->redirects, defaults->redirects);
    item->max_body_bytes = max_body_bytes > 0 ? (uint64_t)max_body_bytes : 0;
    item->options = options_of(parser, own);
    if (item->options) {
        parse_attempts(parser, item, own, place);
        parse_sign_headers(parser, item, place);
    }
    set_body(parser, item, own, place);
    parse_note_references(parser, item, own, place);
}

void parse_plain_item(struct parser *parser, struct item *item, struct slice url,
                      struct place place)
{
    struct item_fields own;
    item_fields_init(&own);
    own.url = url;
    own.headers = parser->defaults.headers;
    merge(parser, item, &own, place);
}

void parse_item(struct parser *parser, struct item *item, json_t *value,
                struct place place)
{
    if (json_is_string(value)) {
        struct slice url =
            slice_make(json_string_value(value), json_string_length(value));
        parse_plain_item(parser, item, url, place);
        return;
    }
    if (!json_is_object(value)) {
        report_error(parser->errors, place, "must be a URL or an object with \"url\"");
        return;
    }
    struct item_fields own;
    item_fields_init(&own);
    own.headers = parser->defaults.headers;
    take_fields(parser, &own, value, place);
    if (!own.url.data)
        report_error(parser->errors, place, "\"url\" is missing");
    merge(parser, item, &own, place);
}

static void take_default_fields(struct parser *parser, json_t *value, struct place place)
{
    take_fields(parser, &parser->defaults, value, place);
    if (parser->defaults.has_options)
        parser->default_options = options_of(parser, &parser->defaults);
}

void parse_defaults(struct parser *parser, json_t *value)
{
    struct place place = {.list = "/defaults"};
    if (json_is_object(value))
        take_default_fields(parser, value, place);
    else
        report_error(parser->errors, place, "must be an object of item fields");
}
