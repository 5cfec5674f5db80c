/* SPDX-License-Identifier: Apache-2.0 */
/* From text to jansson's tree, and what to say where that is none: each fault with its
 * line and column, in the text as it came, although jansson reads another one, whose
 * bodies were taken out (body_spans.c). Called by parse.c. */
#include "batch/parse_text.h"

#include "base/json_text.h"

#include <stdio.h>
#include <string.h>

static const struct place whole = {.list = NULL};

/* What jansson, or the look before it, stumbled over: as a line and a column of
 * characters. */
static void report_at(struct parser *parser, struct slice text, size_t at,
                      const char *what)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at && i < text.len; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.data[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    report_error(parser->errors, whole, "line %zu, column %zu: %s", line, column, what);
}

static bool check_bytes(struct parser *parser, struct slice text)
{
    size_t at = 0;
    while (at < text.len && text.data[at] && strchr(" \t\r\n", text.data[at]))
        at++;
    /* jansson overlooks a NUL behind a number. */
    const char *nul = at < text.len ? memchr(text.data, '\0', text.len) : NULL;
    if (at == text.len)
        report_at(parser, text, 0, "there is nothing; send a JSON array of URLs");
    else if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        report_at(parser, text, 0, "not JSON: it begins with a byte order mark");
    else if (nul)
        report_at(parser, text, (size_t)(nul - text.data), "not JSON: a NUL byte");
    return parser->errors->total == 0;
}

static bool check_spans(struct parser *parser, struct slice text)
{
    struct body_spans *spans = &parser->spans;
    body_spans_find(spans, text, parser->max_items);
    switch (spans->fault) {
    case WALK_TOO_MANY:
        parser->errors->refusal = PARSE_TOO_MANY;
        report_error(parser->errors, whole, "at most %llu items are taken",
                     (unsigned long long)parser->max_items);
        return false;
    case WALK_TOO_DEEP:
        report_at(parser, text, spans->fault_at,
                  "nested too deep: more than 32 levels outside the bodies");
        return false;
    case WALK_TOO_LONG:
        report_at(
            parser, text, spans->fault_at,
            "too much in one place: more than 64 fields in an object or 1000 values "
            "in a field");
        return false;
    case WALK_NO_MEMORY:
        parser->is_out_of_memory = true;
        return false;
    case WALK_FINE:
        break;
    }
    return true;
}

/* Where the token begins behind which jansson stopped: it quotes it at the end of its
 * sentence. */
static size_t error_offset(struct slice readable, const json_error_t *error)
{
    size_t stopped = error->position > 0 ? (size_t)error->position : 0;
    const char *quoted = strstr(error->text, " near '");
    if (!quoted)
        return stopped > 0 ? stopped - 1 : 0;
    struct slice token = slice_from(quoted + strlen(" near '"));
    token.len -= token.len > 0; /* the closing quote */
    if (token.len > stopped || stopped > readable.len ||
        !slice_equal(token, slice_make(readable.data + stopped - token.len, token.len)))
        return stopped > 0 ? stopped - 1 : 0;
    return stopped - token.len;
}

/* Where an allocation of jansson fails it says so, or nothing, or calls the token wrong
 * that it was reading: then the text is right all the same. */
static bool is_memory_missing(struct slice readable, const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    if (code == json_error_out_of_memory || error->text[0] == '\0')
        return true;
    size_t space = 0;
    while (space < readable.len && strchr(" \t\r\n", readable.data[space]))
        space++;
    bool is_container = space < readable.len && strchr("[{", readable.data[space]);
    return code == json_error_invalid_syntax && is_container &&
           json_text_is_valid(readable);
}

/* jansson says "… near end of file" of what is no file. */
static void report_syntax(struct parser *parser, struct slice text,
                          const json_error_t *error)
{
    if (parser->document->memory.state != DOCUMENT_FITS ||
        is_memory_missing(parser->spans.readable, error)) {
        parser->is_out_of_memory = true;
        return;
    }
    char what[JSON_ERROR_TEXT_LENGTH + 16];
    const char *file = strstr(error->text, "end of file");
    int before = file ? (int)(file - error->text) : JSON_ERROR_TEXT_LENGTH;
    snprintf(what, sizeof what, "not JSON: %.*s%s%s", before, error->text,
             file ? "end of text" : "", file ? file + strlen("end of file") : "");
    size_t offset = error_offset(parser->spans.readable, error);
    report_at(parser, text, shortened_original(&parser->spans.shortened, offset), what);
}

json_t *parse_text(struct parser *parser, struct slice text)
{
    if (!check_bytes(parser, text) || !check_spans(parser, text))
        return NULL;
    const struct body_spans *spans = &parser->spans;
    struct slice readable = spans->readable;
    json_error_t error;
    document_memory_begin(&parser->document->memory);
    json_t *root =
        json_loadb(readable.data, readable.len, JSON_REJECT_DUPLICATES, &error);
    document_memory_end();
    if (root && parser->document->memory.state != DOCUMENT_FITS) {
        /* jansson drops a character of a string that it has no memory for, and goes on.
         */
        parser->is_out_of_memory = true;
        json_decref(root);
        root = NULL;
    } else if (!root) {
        report_syntax(parser, text, &error);
    } else if (spans->broken.data) {
        /* Right for jansson, whose nesting goes further, so it can only be too deep. */
        report_at(parser, text, (size_t)(spans->broken.data - text.data),
                  "nested too deep: more than 512 levels in a body");
        json_decref(root);
        root = NULL;
    }
    return root;
}
