/* SPDX-License-Identifier: Apache-2.0 */
/* An item's "body" → the bytes to send. A string is its UTF-8 bytes; anything else is
 * JSON, the very bytes the client wrote; "bodyEncoding" says otherwise. Works on the
 * value as it stands in the text, which body_spans found and validated: the JSON library
 * never sees bodies. Called by parse_item. */
#include "batch/parse_internal.h"

#include "base/json_text.h"
#include "base/json_string.h"

static bool is_string(const struct body_source *source)
{
    return source->raw.data[0] == '"';
}

/* The shared body has a name of its own. */
static struct place place_of(const struct body_source *source)
{
    return source->place.field ? source->place : place_field(source->place, "body");
}

static bool out_of_memory(struct parser *parser)
{
    parser->is_out_of_memory = true;
    return false;
}

/* The characters of a string, in the arena. */
static bool make_text(struct parser *parser, const struct body_source *source,
                      const char *encoding, struct slice *ret_text)
{
    struct place place = place_of(source);
    if (!is_string(source)) {
        report_error(parser->errors, place, "must be a string, as bodyEncoding is \"%s\"",
                     encoding);
        return false;
    }
    char *text = arena_take(&parser->document->arena, source->raw.len);
    if (!text)
        return out_of_memory(parser);
    *ret_text = slice_make(text, json_string_decode(source->raw, text));
    if (ret_text->len && memchr(text, '\0', ret_text->len)) {
        report_error(
            parser->errors, place,
            "must hold no \\u0000; send such bytes with bodyEncoding \"base64\"");
        return false;
    }
    return true;
}

static bool make_json(struct parser *parser, const struct body_source *source,
                      struct slice *ret_body)
{
    *ret_body = arena_copy(&parser->document->arena, source->raw);
    return ret_body->data ? true : out_of_memory(parser);
}

static bool make_bytes(struct parser *parser, const struct body_source *source,
                       struct slice *ret_body)
{
    struct slice text;
    if (!make_text(parser, source, "base64", &text))
        return false;
    /* Decoded in place: writing stays behind reading, three bytes to four. */
    struct buffer bytes = {.data = (char *)(uintptr_t)text.data,
                           .cap = source->raw.len,
                           .max = source->raw.len};
    if (!base64_decode(&bytes, text)) {
        report_error(
            parser->errors, place_of(source),
            "must be base64: A-Z a-z 0-9 + /, padded with =, without line breaks");
        return false;
    }
    *ret_body = buffer_slice(&bytes);
    return true;
}

void parse_body_encoding(struct parser *parser, json_t *value, struct place place,
                         enum body_encoding *ret_encoding)
{
    struct slice text = slice_make(json_string_value(value), json_string_length(value));
    place = place_field(place, "bodyEncoding");
    if (!json_is_string(value))
        report_error(parser->errors, place, "must be a string");
    else if (slice_is(text, "text"))
        *ret_encoding = BODY_TEXT;
    else if (slice_is(text, "json"))
        *ret_encoding = BODY_JSON;
    else if (slice_is(text, "base64"))
        *ret_encoding = BODY_BASE64;
    else
        report_error(parser->errors, place, "must be \"text\", \"json\" or \"base64\"");
}

bool parse_body(struct parser *parser, struct body_source *source,
                enum body_encoding encoding, struct slice *ret_body, bool *ret_is_json)
{
    if (encoding == BODY_NONE)
        encoding = is_string(source) ? BODY_TEXT : BODY_JSON;
    *ret_is_json = encoding == BODY_JSON;
    struct slice *made = &source->made[encoding];
    if (source->state[encoding] == MADE_NOT_YET) {
        bool is_fine = encoding == BODY_TEXT   ? make_text(parser, source, "text", made)
                       : encoding == BODY_JSON ? make_json(parser, source, made)
                                               : make_bytes(parser, source, made);
        source->state[encoding] = is_fine ? MADE_FINE : MADE_WRONG;
    }
    *ret_body = *made;
    return source->state[encoding] == MADE_FINE;
}
