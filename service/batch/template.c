/* SPDX-License-Identifier: Apache-2.0 */
/* Splits texts at {{, and puts values into all of them but URLs, which expand_url.c does.
 * Called by parse_references.c and item_links.c. */
#include "batch/template.h"

#include "base/json_text.h"
#include "base/json_string.h"
#include "batch/template_value.h"

#include <string.h>

static const char *find_braces(const char *at, const char *end)
{
    return at < end ? memmem(at, (size_t)(end - at), "{{", 2) : NULL;
}

static bool fail(const char *fault, const char **ret_fault)
{
    *ret_fault = fault;
    return false;
}

/* The number of a reference: that of an equal one, if there is one. */
static bool add_reference(struct template_reader *reader,
                          const struct reference *reference, int *ret_number,
                          const char **ret_fault)
{
    size_t i = 0;
    while (i < reader->count && !slice_equal(reader->list[i].text, reference->text))
        i++;
    if (i == REFERENCES_MAX)
        return fail("is one too many: a request has at most 64 different references",
                    ret_fault);
    if (i == reader->count)
        reader->list[reader->count++] = *reference;
    *ret_number = (int)i;
    return true;
}

/* At most so many parts: one before each pair of braces, one behind the last. */
static size_t count_parts(struct slice text)
{
    size_t count = 1;
    const char *end = text.data + text.len;
    for (const char *at = text.data; (at = find_braces(at, end)); at += 2)
        count++;
    return count;
}

/* At "{{": the literal from `from` to there, and what follows. Returns where to go on;
 * NULL: a fault. */
static const char *read_part(struct template_reader *reader, struct slice rest,
                             const char *braces, struct template_part *ret_part,
                             const char **ret_fault)
{
    const char *end = rest.data + rest.len;
    *ret_part = (struct template_part){
        .literal = slice_make(rest.data, (size_t)(braces - rest.data)),
        .reference = TEMPLATE_END,
    };
    if (end - braces >= 4 && memcmp(braces + 2, "{{", 2) == 0) {
        ret_part->literal.len += 2;
        return braces + 4;
    }
    struct reference reference;
    size_t len = reference_read(slice_make(braces + 2, (size_t)(end - braces - 2)),
                                &reader->setup, &reference, ret_fault);
    if (len == 0 || !add_reference(reader, &reference, &ret_part->reference, ret_fault))
        return NULL;
    return braces + 2 + len;
}

bool template_read(struct template_reader *reader, struct slice text,
                   struct template *ret_template, const char **ret_fault)
{
    struct template_part *parts =
        arena_take(reader->setup.arena, count_parts(text) * sizeof *parts);
    size_t count = 0;
    if (!parts)
        return fail(NULL, ret_fault);
    const char *at = text.data;
    const char *end = text.data + text.len;
    const char *braces;
    while ((braces = find_braces(at, end))) {
        at = read_part(reader, slice_make(at, (size_t)(end - at)), braces, &parts[count],
                       ret_fault);
        if (!at)
            return false;
        count++;
    }
    if (at < end)
        parts[count++] = (struct template_part){
            .literal = slice_make(at, (size_t)(end - at)),
            .reference = TEMPLATE_END,
        };
    *ret_template = (struct template){.parts = parts, .count = count};
    return true;
}

bool template_is_one(const struct template *template)
{
    return template->count == 1 && template->parts[0].literal.len == 0 &&
           template->parts[0].reference != TEMPLATE_END;
}

bool expansion_fail(struct expansion *expansion, int reference, const char *fault)
{
    expansion->reference = reference;
    expansion->fault = fault;
    return false;
}

bool expansion_value(struct expansion *expansion, int reference, struct slice *ret_text)
{
    const struct template_value *value = &expansion->values[reference];
    struct slice bytes = value->bytes;
    if (value->is_text || (bytes.data[0] != '"' && !strchr("n{[", bytes.data[0]))) {
        *ret_text = bytes;
        return true;
    }
    if (bytes.data[0] != '"')
        return expansion_fail(expansion, reference,
                              bytes.data[0] == 'n'
                                  ? "is null, which a text cannot hold"
                                  : "is an object or an array, which a text cannot hold");
    buffer_clear(&expansion->scratch);
    char *room = buffer_reserve(&expansion->scratch, bytes.len);
    if (!room)
        return expansion_fail(expansion, reference, "is too long");
    *ret_text = slice_make(room, json_string_decode(bytes, room));
    return true;
}

typedef void put_value_fn(struct buffer *out, struct slice value);

/* A full buffer ends the loop: a body may hold a reference a hundred thousand times, and
 * a value take a millisecond to decode. */
static bool expand_with(struct expansion *expansion, const struct template *text,
                        put_value_fn *put_value, struct buffer *out)
{
    for (size_t i = 0; i < text->count && !out->failed; i++) {
        const struct template_part *part = &text->parts[i];
        struct slice value = {.len = 0};
        buffer_append(out, part->literal.data, part->literal.len);
        if (part->reference != TEMPLATE_END &&
            !expansion_value(expansion, part->reference, &value))
            return false;
        put_value(out, value);
    }
    return out->failed ? expansion_fail(expansion, -1, NULL) : true;
}

static void put_as_it_is(struct buffer *out, struct slice value)
{
    buffer_append(out, value.data, value.len);
}

bool expand_text(struct expansion *expansion, const struct template *text,
                 struct buffer *out)
{
    return expand_with(expansion, text, put_as_it_is, out);
}

bool expand_form(struct expansion *expansion, const struct template *text,
                 struct buffer *out)
{
    return expand_with(expansion, text, expansion_encode, out);
}

/* RFC 9110 5.5: as parse_headers.c has it of those given. */
static const char *field_value_fault(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return "holds a control character or a line break, which a header cannot";
    }
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool expand_header(struct expansion *expansion, const struct template *value,
                   struct buffer *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < value->count && !out->failed; i++) {
        const struct template_part *part = &value->parts[i];
        buffer_append(out, part->literal.data, part->literal.len);
        struct slice text;
        if (part->reference == TEMPLATE_END)
            continue;
        if (!expansion_value(expansion, part->reference, &text))
            return false;
        const char *fault = field_value_fault(text);
        if (fault)
            return expansion_fail(expansion, part->reference, fault);
        buffer_append(out, text.data, text.len);
    }
    if (out->failed)
        return expansion_fail(expansion, -1, NULL);
    if (out->len > start &&
        (is_blank(out->data[start]) || is_blank(out->data[out->len - 1])))
        return expansion_fail(expansion, -1,
                              "the header would begin or end with white space");
    return true;
}

static void append_string(struct buffer *out, struct slice text)
{
    if (utf8_is_valid(text))
        json_text_append_string(out, text);
    else /* a header's value: as it would stand in a response */
        json_text_append_latin1(out, text);
}

bool expand_json_string(struct expansion *expansion, const struct template *text,
                        struct buffer *out)
{
    if (template_is_one(text)) {
        const struct template_value *value = &expansion->values[text->parts[0].reference];
        if (value->is_text)
            append_string(out, value->bytes);
        else
            buffer_append(out, value->bytes.data, value->bytes.len);
        return out->failed ? expansion_fail(expansion, -1, NULL) : true;
    }
    struct buffer joined;
    buffer_init(&joined, out->max);
    bool is_fine = expand_text(expansion, text, &joined);
    if (is_fine)
        append_string(out, buffer_slice(&joined));
    buffer_done(&joined);
    if (is_fine && out->failed)
        return expansion_fail(expansion, -1, NULL);
    return is_fine;
}
