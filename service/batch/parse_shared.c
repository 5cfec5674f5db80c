/* SPDX-License-Identifier: Apache-2.0 */
/* "sharedBody": one body for many items, each of which says {"$shared": true} in the
 * place of its own. It is kept and decoded once. Called by parse_batch and parse_item. */
#include "batch/parse_internal.h"
#include "batch/parse_shared.h"

#include <string.h>

static const struct place whole = {.list = NULL};

static enum body_encoding encoding_of(json_t *value)
{
    struct slice text = slice_make(json_string_value(value), json_string_length(value));
    return slice_is(text, "text")     ? BODY_TEXT
           : slice_is(text, "json")   ? BODY_JSON
           : slice_is(text, "base64") ? BODY_BASE64
                                      : BODY_NONE;
}

void parse_shared_begin(struct parser *parser, json_t *root)
{
    json_t *encoding = json_object_get(root, "sharedBodyEncoding");
    struct place place = place_field(whole, "sharedBodyEncoding");
    parser->shared.raw = parser->spans.shared;
    parser->shared.place = place_field(whole, "sharedBody");
    if (!encoding)
        return;
    parser->shared_encoding = encoding_of(encoding);
    if (parser->shared_encoding == BODY_NONE)
        report_error(parser->errors, place, "must be \"text\", \"json\" or \"base64\"");
    else if (!parser->shared.raw.data)
        report_error(parser->errors, place, "there is no \"sharedBody\"");
}

/* A typing error in {"$shared": true} would send it as a body: so it must be used. */
void parse_shared_end(struct parser *parser)
{
    if (parser->shared.raw.data && !parser->is_shared_used)
        report_error(parser->errors, parser->shared.place,
                     "no request uses it; those that shall have \"body\": {\"$shared\": "
                     "true}");
}

/* Steps over white space and then `token`. */
static bool step(struct slice *text, const char *token)
{
    size_t at = 0;
    size_t len = strlen(token);
    while (at < text->len && text->data[at] && strchr(" \t\r\n", text->data[at]))
        at++;
    if (text->len - at < len || memcmp(text->data + at, token, len) != 0)
        return false;
    *text = slice_make(text->data + at + len, text->len - at - len);
    return true;
}

bool parse_shared_is_meant(struct slice raw)
{
    return step(&raw, "{") && step(&raw, "\"$shared\"") && step(&raw, ":") &&
           step(&raw, "true") && step(&raw, "}");
}

struct body_source *parse_shared_body(struct parser *parser, struct item_fields *own,
                                      struct place place, enum body_encoding *encoding)
{
    parser->is_shared_used = true;
    if (!parser->shared.raw.data) {
        report_error(parser->errors, place_field(place, "body"),
                     "there is no \"sharedBody\" in the batch");
        return NULL;
    }
    if (own->body_encoding != BODY_NONE) {
        report_error(parser->errors, place_field(place, "bodyEncoding"),
                     "the shared body is read by \"sharedBodyEncoding\"");
        return NULL;
    }
    *encoding = parser->shared_encoding;
    return &parser->shared;
}
