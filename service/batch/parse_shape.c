/* SPDX-License-Identifier: Apache-2.0 */
/* The item fields "select", "bodyMode" and "responseHeaders". Called by parse_item. */
#include "batch/parse_shape.h"

#include "batch/answer_shape.h"

#include <stdio.h>
#include <string.h>

/* The shape of these fields, made by the first of them; NULL: no memory. */
static struct answer_shape *shape_of(struct parser *parser, struct item_fields *fields)
{
    if (!fields->shape) {
        fields->shape = arena_take(&parser->document->arena, sizeof *fields->shape);
        if (fields->shape)
            *fields->shape = (struct answer_shape){0};
        else
            parser->is_out_of_memory = true;
        fields->options.shape = fields->shape;
    }
    return fields->shape;
}

static void *take_array(struct parser *parser, size_t count, size_t size)
{
    void *array = arena_take(&parser->document->arena, count * size + 1);
    if (!array)
        parser->is_out_of_memory = true;
    return array;
}

static void report_element(struct parser *parser, struct place place,
                           const struct field_row *row, size_t index, const char *what)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", index);
    report_error(parser->errors, place_name(place, row->name, slice_from(text)), "%s",
                 what);
}

/* ---------------------------------------------------------------------- select */

static bool is_repeat(const struct slice *pointers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(pointers[i], pointers[count]))
            return true;
    }
    return false;
}

/* A fault in words, or NULL: *path is made, or there is no memory. */
static const char *make_path(struct parser *parser, struct slice pointer,
                             struct json_path *path)
{
    struct json_step steps[JSON_POINTER_STEPS_MAX];
    const char *fault;
    size_t count;
    char *room = take_array(parser, pointer.len, 1);
    if (!room || !json_pointer_parse(pointer, room, steps, &count, &fault))
        return room ? fault : NULL;
    struct json_step *kept = take_array(parser, count, sizeof *kept);
    if (!kept)
        return NULL;
    if (count)
        memcpy(kept, steps, count * sizeof *kept);
    *path = (struct json_path){.steps = kept, .count = count};
    return NULL;
}

static const char *take_pointer(struct parser *parser, const json_t *value,
                                struct slice *pointers, struct json_path *paths, size_t i)
{
    if (!json_is_string(value))
        return "must be a JSON pointer (RFC 6901), a string";
    pointers[i] = slice_make(json_string_value(value), json_string_length(value));
    if (pointers[i].len > SHAPE_POINTER_BYTES_MAX)
        return "has more than 1024 bytes";
    if (is_repeat(pointers, i))
        return "stands there twice";
    return make_path(parser, pointers[i], &paths[i]);
}

void take_select(struct parser *parser, struct item_fields *fields, json_t *value,
                 struct place place, const struct field_row *row)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count < 1 || count > SHAPE_POINTERS_MAX) {
        report_error(
            parser->errors, place_field(place, row->name),
            "must be an array of 1 to %d JSON pointers: [\"/name\", \"/list/0\"]",
            SHAPE_POINTERS_MAX);
        return;
    }
    struct answer_shape *shape = shape_of(parser, fields);
    struct slice *pointers = take_array(parser, count, sizeof *pointers);
    struct json_path *paths = take_array(parser, count, sizeof *paths);
    if (!shape || !pointers || !paths)
        return;
    for (size_t i = 0; i < count; i++) {
        const char *fault =
            take_pointer(parser, json_array_get(value, i), pointers, paths, i);
        if (fault) {
            report_element(parser, place, row, i, fault);
            return;
        }
    }
    shape->pointers = pointers;
    shape->paths = paths;
    shape->pointer_count = count;
}

/* -------------------------------------------------------------------- bodyMode */

static void take_first_bytes(struct parser *parser, struct answer_shape *shape,
                             json_t *object, struct place place)
{
    static const char *const names[] = {"firstBytes"};
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        json_int_t most = json_is_integer(value) ? json_integer_value(value) : 0;
        if (strcmp(name, names[0]) != 0) {
            report_unknown(parser->errors, place, name, names, 1);
        } else if (most < 1 || most > BODY_BYTES_MAX) {
            report_error(parser->errors, place_field(place, name),
                         "must be an integer from 1 to %lld", (long long)BODY_BYTES_MAX);
        } else {
            shape->body_mode = BODY_MODE_FIRST_BYTES;
            shape->first_bytes = (uint64_t)most;
        }
    }
}

void take_body_mode(struct parser *parser, struct item_fields *fields, json_t *value,
                    struct place place, const struct field_row *row)
{
    struct slice word = slice_make(json_string_value(value), json_string_length(value));
    struct answer_shape *shape = shape_of(parser, fields);
    if (!shape)
        return;
    if (json_object_size(value) > 0) {
        place.outer = row->name;
        take_first_bytes(parser, shape, value, place);
    } else if (slice_is(word, "full")) {
        shape->body_mode = BODY_MODE_FULL;
    } else if (slice_is(word, "none")) {
        shape->body_mode = BODY_MODE_NONE;
    } else if (slice_is(word, "sha256")) {
        shape->body_mode = BODY_MODE_SHA256;
    } else {
        report_error(parser->errors, place_field(place, row->name),
                     "must be \"full\", \"none\", \"sha256\" or {\"firstBytes\": 200}");
    }
}

/* ------------------------------------------------------------- responseHeaders */

void take_response_headers(struct parser *parser, struct item_fields *fields,
                           json_t *value, struct place place, const struct field_row *row)
{
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > SHAPE_HEADERS_MAX) {
        report_error(parser->errors, place_field(place, row->name),
                     "must be an array of at most %d header names: [\"etag\"]",
                     SHAPE_HEADERS_MAX);
        return;
    }
    struct answer_shape *shape = shape_of(parser, fields);
    struct slice *names = take_array(parser, count, sizeof *names);
    if (!shape || !names)
        return;
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_array_get(value, i);
        names[i] = slice_make(json_string_value(name), json_string_length(name));
        if (names[i].len < 1 || names[i].len > SHAPE_HEADER_NAME_MAX) {
            report_element(parser, place, row, i, "must be a header's name");
            return;
        }
    }
    shape->header_names = names;
    shape->header_count = count;
    shape->has_headers = true;
}

/* ------------------------------------------------------------------------- all */

void parse_shape(struct parser *parser, const struct item_fields *fields,
                 struct place place)
{
    if (answer_shape_is_contradictory(fields->shape))
        report_error(parser->errors, place_field(place, "select"),
                     "needs the whole body: leave out \"bodyMode\", or say \"full\"");
}

void parse_shape_merge(struct parser *parser, struct item_fields *own)
{
    const struct answer_shape *defaults = parser->defaults.shape;
    if (defaults && defaults != own->shape)
        answer_shape_merge(own->shape, defaults);
}
