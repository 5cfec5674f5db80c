/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of references, by hand: first a list of steps as they stand, then what the
 * first one or two of them mean. Called by template.c. */
#include "batch/reference.h"

#include "base/json_text.h"
#include "base/json_string.h"

#include <stdint.h>
#include <string.h>

struct reader {
    const char *at;
    const char *end;
    struct arena *arena;
    const char *fault;
    struct json_step steps[REFERENCE_STEPS_MAX];
    size_t count;
};

static bool fail(struct reader *reader, const char *fault)
{
    reader->fault = fault;
    return false;
}

static char peek(const struct reader *reader)
{
    return reader->at < reader->end ? *reader->at : '\0';
}

static void skip_space(struct reader *reader)
{
    while (peek(reader) == ' ')
        reader->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_bare(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
           (unsigned char)c >= 0x80 || (c != '\0' && strchr("_-$@:/", c));
}

static bool add_step(struct reader *reader, struct json_step step)
{
    if (reader->count == REFERENCE_STEPS_MAX)
        return fail(reader, "goes too deep: at most 32 steps");
    reader->steps[reader->count++] = step;
    return true;
}

/* "0" is the name of a member and the place of an element. SIZE_MAX: no place. */
static size_t index_of(struct slice name)
{
    if (name.len > 9 || (name.data[0] == '0' && name.len > 1))
        return SIZE_MAX;
    size_t index = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_digit(name.data[i]))
            return SIZE_MAX;
        index = index * 10 + (size_t)(name.data[i] - '0');
    }
    return index;
}

static bool read_bare(struct reader *reader)
{
    const char *start = reader->at;
    while (is_bare(peek(reader)))
        reader->at++;
    if (reader->at == start)
        return fail(reader, "is no reference: {{id.status}}, {{id.headers.name}} or "
                            "{{id.body.path[0].x}}; odd names go as [\"odd name\"]; "
                            "{{{{ stands for {{, and \"references\": false switches "
                            "references off");
    struct slice name = slice_make(start, (size_t)(reader->at - start));
    return add_step(reader, (struct json_step){.name = name, .index = index_of(name)});
}

/* Behind "[", at a quote. */
static bool read_quoted(struct reader *reader)
{
    const char *start = reader->at;
    const char *behind = json_text_skip(start, reader->end);
    if (!behind)
        return fail(reader, "has a name in brackets that is no JSON string");
    char *name = arena_take(reader->arena, (size_t)(behind - start));
    if (!name)
        return fail(reader, NULL);
    size_t len = json_string_decode(slice_make(start, (size_t)(behind - start)), name);
    reader->at = behind;
    return add_step(reader,
                    (struct json_step){.name = slice_make(name, len), .index = SIZE_MAX});
}

/* Behind "[", at a digit. */
static bool read_index(struct reader *reader)
{
    size_t index = 0;
    for (; is_digit(peek(reader)); reader->at++) {
        if (index > 99999999)
            return fail(reader, "has an index of more than 9 digits");
        index = index * 10 + (size_t)(*reader->at - '0');
    }
    return add_step(reader,
                    (struct json_step){.name = slice_make(NULL, 0), .index = index});
}

static bool read_bracket(struct reader *reader)
{
    reader->at++;
    bool is_read = false;
    if (peek(reader) == '"')
        is_read = read_quoted(reader);
    else if (is_digit(peek(reader)))
        is_read = read_index(reader);
    else
        return fail(reader, "has brackets around neither a number nor a \"name\"");
    if (!is_read)
        return false;
    if (peek(reader) != ']')
        return fail(reader, "has a bracket that is not closed");
    reader->at++;
    return true;
}

static bool read_steps(struct reader *reader)
{
    skip_space(reader);
    if (!(peek(reader) == '[' ? read_bracket(reader) : read_bare(reader)))
        return false;
    while (peek(reader) == '.' || peek(reader) == '[') {
        bool is_bracket = peek(reader) == '[';
        reader->at += !is_bracket;
        if (!(is_bracket ? read_bracket(reader) : read_bare(reader)))
            return false;
    }
    skip_space(reader);
    if (reader->end - reader->at < 2 || memcmp(reader->at, "}}", 2) != 0)
        return fail(reader, "has something else than }} behind its path; write {{{{ for "
                            "a literal {{");
    return true;
}

static bool is_name(const struct json_step *step, const char *name)
{
    return step->name.data && slice_is(step->name, name);
}

static bool is_header(const struct reader *reader)
{
    return reader->count == 3 && is_name(&reader->steps[1], "headers") &&
           reader->steps[2].name.data;
}

/* What the steps mean; `path` are those that lead into a value. */
static bool give_meaning(struct reader *reader, struct slice element,
                         struct reference *reference, size_t *ret_path)
{
    const struct json_step *steps = reader->steps;
    *ret_path = reader->count;
    if (!steps[0].name.data)
        return fail(reader, "begins with a number in brackets: an id goes as [\"0\"]");
    if (element.data && slice_equal(steps[0].name, element)) {
        reference->kind = REFERENCE_ELEMENT;
        *ret_path = 1;
        return true;
    }
    if (element.data && reader->count == 1 && slice_is(steps[0].name, "index")) {
        reference->kind = REFERENCE_INDEX;
        return true;
    }
    reference->id = steps[0].name;
    if (reader->count == 2 && is_name(&steps[1], "status")) {
        reference->kind = REFERENCE_STATUS;
    } else if (is_header(reader)) {
        reference->kind = REFERENCE_HEADER;
        reference->header = steps[2].name;
    } else if (reader->count >= 2 && is_name(&steps[1], "body")) {
        reference->kind = REFERENCE_BODY;
        *ret_path = 2;
    } else {
        return fail(reader, "must go on behind the id with .status, .headers.name or "
                            ".body; write {{{{ for a literal {{");
    }
    return true;
}

static bool keep_path(struct reader *reader, size_t from, struct reference *reference)
{
    size_t count = reader->count - from;
    if (count == 0)
        return true;
    struct json_step *steps = arena_take(reader->arena, count * sizeof *steps);
    if (!steps)
        return fail(reader, NULL);
    memcpy(steps, reader->steps + from, count * sizeof *steps);
    reference->steps = steps;
    reference->step_count = count;
    return true;
}

static struct slice trim(struct slice text)
{
    while (text.len && text.data[0] == ' ')
        text = slice_make(text.data + 1, text.len - 1);
    while (text.len && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

size_t reference_read(struct slice text, const struct reference_setup *setup,
                      struct reference *ret_reference, const char **ret_fault)
{
    struct reader reader = {
        .at = text.data, .end = text.data + text.len, .arena = setup->arena};
    struct reference reference = {.kind = REFERENCE_STATUS};
    size_t path;
    if (!read_steps(&reader) ||
        !give_meaning(&reader, setup->element, &reference, &path) ||
        !keep_path(&reader, path, &reference)) {
        *ret_fault = reader.fault;
        return 0;
    }
    size_t len = (size_t)(reader.at - text.data);
    reference.text = trim(slice_make(text.data, len));
    *ret_reference = reference;
    return len + 2;
}
