/* SPDX-License-Identifier: Apache-2.0 */
/* The item field "expect". Called by parse_item. */
#include "batch/parse_internal.h"

#include "batch/expect.h"

#include <stdio.h>
#include <string.h>

enum { STATUS_LEAST = 100, STATUS_MOST = 599 };

/* 0: it is none. */
static uint16_t status_of(const json_t *value)
{
    if (json_is_integer(value)) {
        json_int_t status = json_integer_value(value);
        return status >= STATUS_LEAST && status <= STATUS_MOST ? (uint16_t)status : 0;
    }
    const char *text = json_string_value(value); /* NULL for other types */
    bool is_class = text && json_string_length(value) == 3 && text[0] >= '1' &&
                    text[0] <= '5' && strcmp(text + 1, "xx") == 0;
    return is_class ? (uint16_t)(text[0] - '0') : 0;
}

static void take_status(struct parser *parser, struct expectation *expect, json_t *value,
                        struct place place)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count < 1 || count > EXPECT_STATUSES_MAX) {
        report_error(parser->errors, place_field(place, "status"),
                     "must be an array of 1 to %d statuses: [200, \"3xx\"]",
                     EXPECT_STATUSES_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        expect->statuses[i] = status_of(json_array_get(value, i));
        if (expect->statuses[i] == 0) {
            char index[24];
            snprintf(index, sizeof index, "%zu", i);
            report_error(parser->errors, place_name(place, "status", slice_from(index)),
                         "must be an integer from %d to %d or \"1xx\" to \"5xx\"",
                         STATUS_LEAST, STATUS_MOST);
            return;
        }
    }
    expect->status_count = count;
}

static void take_content_type(struct parser *parser, struct expectation *expect,
                              json_t *value, struct place place)
{
    struct slice type = slice_make(json_string_value(value), json_string_length(value));
    if (expect_type_is_valid(type))
        expect->content_type = type;
    else
        report_error(parser->errors, place_field(place, "contentType"),
                     "must be a media type without parameters: \"text/html\", \"text/*\" "
                     "or \"+json\"");
}

static void take_max_body_bytes(struct parser *parser, struct expectation *expect,
                                json_t *value, struct place place)
{
    json_int_t most = json_is_integer(value) ? json_integer_value(value) : -1;
    if (most < 0 || most > BODY_BYTES_MAX)
        report_error(parser->errors, place_field(place, "maxBodyBytes"),
                     "must be an integer from 0 to %lld", (long long)BODY_BYTES_MAX);
    else
        expect->max_body_bytes = most;
}

static void take_body_contains(struct parser *parser, struct expectation *expect,
                               json_t *value, struct place place)
{
    struct slice part = slice_make(json_string_value(value), json_string_length(value));
    if (part.len < 1 || part.len > EXPECT_CONTAINS_MAX)
        report_error(parser->errors, place_field(place, "bodyContains"),
                     "must be a string of 1 to %d bytes", EXPECT_CONTAINS_MAX);
    else
        expect->body_contains = part;
}

static void take_members(struct parser *parser, struct expectation *expect,
                         json_t *object, struct place place)
{
    static const char *const names[] = {"status", "contentType", "maxBodyBytes",
                                        "bodyContains"};
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (strcmp(name, "status") == 0)
            take_status(parser, expect, value, place);
        else if (strcmp(name, "contentType") == 0)
            take_content_type(parser, expect, value, place);
        else if (strcmp(name, "maxBodyBytes") == 0)
            take_max_body_bytes(parser, expect, value, place);
        else if (strcmp(name, "bodyContains") == 0)
            take_body_contains(parser, expect, value, place);
        else
            report_unknown(parser->errors, place, name, names,
                           sizeof names / sizeof *names);
    }
}

void take_expect(struct parser *parser, struct item_fields *fields, json_t *value,
                 struct place place, const struct field_row *row)
{
    if (json_object_size(value) == 0) { /* so it is for what is no object */
        report_error(parser->errors, place_field(place, row->name),
                     "must be an object with at least one of \"status\", "
                     "\"contentType\", \"maxBodyBytes\" and \"bodyContains\"");
        return;
    }
    struct expectation *expect = arena_take(&parser->document->arena, sizeof *expect);
    if (!expect) {
        parser->is_out_of_memory = true;
        return;
    }
    *expect = (struct expectation){.max_body_bytes = -1};
    place.outer = row->name;
    take_members(parser, expect, value, place);
    fields->options.expect = expect;
}
