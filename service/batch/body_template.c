/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the strings of a JSON body that hold references. The text was validated before,
 * so a quote opens a string, and a colon behind one makes it a name. Called by
 * parse_references.c and item_links.c. */
#include "batch/body_template.h"

#include "base/json_string.h"

#include <string.h>

/* By the first byte, which is rare in bodies: every body is looked through, and memchr is
 * far quicker than memmem, which goes byte by byte for parts so short. */
static bool holds(struct slice text, const char *part, size_t len)
{
    const char *at = text.data;
    const char *end = text.data + text.len;
    while ((at = memchr(at, part[0], (size_t)(end - at)))) {
        if ((size_t)(end - at) >= len && memcmp(at, part, len) == 0)
            return true;
        at++;
    }
    return false;
}

bool body_template_is_likely(struct slice raw)
{
    return raw.len && (holds(raw, "{{", 2) || holds(raw, "\\u007", 5));
}

/* Behind the string that opens at `at`. */
static const char *string_end(const char *at)
{
    for (at++; *at != '"'; at++)
        at += *at == '\\';
    return at + 1;
}

static bool is_name(const char *behind, const char *end)
{
    while (behind < end && strchr(" \t\r\n", *behind))
        behind++;
    return behind < end && *behind == ':';
}

static size_t count_strings(struct slice raw)
{
    size_t count = 0;
    const char *end = raw.data + raw.len;
    for (const char *at = raw.data; (at = memchr(at, '"', (size_t)(end - at)));) {
        const char *behind = string_end(at);
        count += body_template_is_likely(slice_make(at, (size_t)(behind - at)));
        at = behind;
    }
    return count;
}

static bool no_memory(const char **ret_fault)
{
    *ret_fault = NULL;
    return false;
}

/* The template of a string value; *ret_template is NULL when there is nothing in it. */
static bool read_string(struct template_reader *reader, struct slice raw,
                        const struct template **ret_template, const char **ret_fault)
{
    char *text = arena_take(reader->setup.arena, raw.len);
    struct template *template = arena_take(reader->setup.arena, sizeof *template);
    if (!text || !template)
        return no_memory(ret_fault);
    size_t len = json_string_decode(raw, text);
    if (!template_read(reader, slice_make(text, len), template, ret_fault))
        return false;
    bool is_plain = template->count == 0 ||
                    (template->count == 1 && template->parts[0].literal.len == len);
    *ret_template = is_plain ? NULL : template;
    return true;
}

/* Strings that hold something, each with the JSON before it; *rest is what follows. */
static bool read_strings(struct template_reader *reader, struct slice *rest,
                         struct body_part *parts, size_t *count, const char **ret_fault)
{
    const char *at = rest->data;
    const char *end = rest->data + rest->len;
    while ((at = memchr(at, '"', (size_t)(end - at)))) {
        const char *behind = string_end(at);
        struct slice raw = slice_make(at, (size_t)(behind - at));
        const struct template *template = NULL;
        if (!is_name(behind, end) && body_template_is_likely(raw) &&
            !read_string(reader, raw, &template, ret_fault))
            return false;
        if (template) {
            parts[(*count)++] = (struct body_part){
                .raw = slice_make(rest->data, (size_t)(at - rest->data)),
                .string = template,
            };
            *rest = slice_make(behind, (size_t)(end - behind));
        }
        at = behind;
    }
    return true;
}

bool body_template_read_json(struct template_reader *reader, struct slice raw,
                             struct body_template *ret_body, bool *ret_is_needed,
                             const char **ret_fault)
{
    size_t room = count_strings(raw) + 1;
    struct body_part *parts = arena_take(reader->setup.arena, room * sizeof *parts);
    size_t count = 0;
    if (!parts)
        return no_memory(ret_fault);
    if (!read_strings(reader, &raw, parts, &count, ret_fault))
        return false;
    *ret_is_needed = count > 0;
    parts[count++] = (struct body_part){.raw = raw};
    *ret_body = (struct body_template){
        .kind = BODY_TEMPLATE_JSON, .parts = parts, .part_count = count};
    return true;
}

bool body_template_read_text(struct template_reader *reader, struct slice text,
                             enum body_template_kind kind, struct body_template *ret_body,
                             const char **ret_fault)
{
    struct body_template body = {.kind = kind};
    if (!template_read(reader, text, &body.text, ret_fault))
        return false;
    if (kind == BODY_TEMPLATE_WHOLE && !template_is_one(&body.text))
        body.kind = BODY_TEMPLATE_TEXT;
    *ret_body = body;
    return true;
}

static bool is_string(const struct template_value *value)
{
    return value->is_text || value->bytes.data[0] == '"';
}

static bool expand_json(struct expansion *expansion, const struct body_template *body,
                        struct buffer *out)
{
    for (size_t i = 0; i < body->part_count; i++) {
        const struct body_part *part = &body->parts[i];
        buffer_append(out, part->raw.data, part->raw.len);
        if (part->string && !expand_json_string(expansion, part->string, out))
            return false;
    }
    expansion->fault = NULL;
    return !out->failed;
}

bool expand_body(struct expansion *expansion, const struct body_template *body,
                 struct buffer *out, bool *ret_is_json)
{
    *ret_is_json = body->kind == BODY_TEMPLATE_JSON;
    switch (body->kind) {
    case BODY_TEMPLATE_JSON:
        return expand_json(expansion, body, out);
    case BODY_TEMPLATE_FORM:
        return expand_form(expansion, &body->text, out);
    case BODY_TEMPLATE_WHOLE:
        *ret_is_json = !is_string(&expansion->values[body->text.parts[0].reference]);
        if (*ret_is_json)
            return expand_json_string(expansion, &body->text, out);
        break;
    case BODY_TEMPLATE_TEXT:
        break;
    }
    return expand_text(expansion, &body->text, out);
}
