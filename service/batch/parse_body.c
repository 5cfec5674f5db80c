/* SPDX-License-Identifier: Apache-2.0 */
/* An item's "body" → the bytes to send. A string is its UTF-8 bytes; anything else is
 * JSON, the very bytes the client wrote (body_spans found them before the JSON library
 * saw the text); "bodyEncoding" says otherwise. Called by parse_item. */
#include "batch/parse_internal.h"

#include "base/json_text.h"

static bool make_text(struct parser *parser, const struct body_source *source,
                      struct slice *ret_body)
{
    if (!json_is_string(source->value)) {
        report_error(parser->errors, place_field(source->place, "body"),
                     "must be a string, as bodyEncoding is \"text\"");
        return false;
    }
    *ret_body =
        slice_make(json_string_value(source->value), json_string_length(source->value));
    return true;
}

static bool make_json(struct parser *parser, const struct body_source *source,
                      struct slice *ret_body)
{
    *ret_body = arena_copy(&parser->document->arena, source->raw);
    if (!ret_body->data)
        parser->is_out_of_memory = true;
    return ret_body->data != NULL;
}

static bool make_bytes(struct parser *parser, const struct body_source *source,
                       struct slice *ret_body)
{
    struct place place = place_field(source->place, "body");
    if (!json_is_string(source->value)) {
        report_error(parser->errors, place,
                     "must be a string, as bodyEncoding is \"base64\"");
        return false;
    }
    struct slice text =
        slice_make(json_string_value(source->value), json_string_length(source->value));
    struct buffer bytes;
    buffer_init(&bytes, text.len + 1);
    bool is_decoded = base64_decode(&bytes, text);
    if (is_decoded) {
        *ret_body = arena_copy(&parser->document->arena, buffer_slice(&bytes));
        if (!ret_body->data)
            parser->is_out_of_memory = true;
    } else if (bytes.failed) {
        parser->is_out_of_memory = true;
    } else {
        report_error(parser->errors, place,
                     "must be base64: A-Z a-z 0-9 + /, padded with =, "
                     "without line breaks");
    }
    buffer_done(&bytes);
    return is_decoded && ret_body->data;
}

bool parse_body(struct parser *parser, struct body_source *source,
                enum body_encoding encoding, struct slice *ret_body, bool *ret_is_json)
{
    if (encoding == BODY_NONE)
        encoding = json_is_string(source->value) ? BODY_TEXT : BODY_JSON;
    *ret_is_json = encoding == BODY_JSON;
    struct slice *made = &source->made[encoding];
    if (source->state[encoding] == MADE_NOT_YET) {
        bool is_fine = encoding == BODY_TEXT   ? make_text(parser, source, made)
                       : encoding == BODY_JSON ? make_json(parser, source, made)
                                               : make_bytes(parser, source, made);
        source->state[encoding] = is_fine ? MADE_FINE : MADE_WRONG;
    }
    *ret_body = *made;
    return source->state[encoding] == MADE_FINE;
}
