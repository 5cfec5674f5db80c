/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the list of errors a refused batch is answered with. Names in pointers are the
 * client's own text: escaped as RFC 6901 wants it and cut, so that a short answer stays
 * short. Escaping for JSON is left to who writes it. Called by the parse files. */
#include "batch/parse_report.h"

#include "base/buffer.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 200,
    POINTER_MAX = 1024, /* two names, each byte of them escaped, and the list */
    DETAIL_MAX = 512,
};

static void append_token(struct buffer *out, struct slice name)
{
    buffer_append_byte(out, '/');
    size_t shown = utf8_cut(name, NAME_MAX_BYTES).len;
    for (size_t i = 0; i < shown; i++) {
        if (name.data[i] == '~')
            buffer_append_text(out, "~0");
        else if (name.data[i] == '/')
            buffer_append_text(out, "~1");
        else
            buffer_append_byte(out, name.data[i]);
    }
    if (shown < name.len)
        buffer_append_text(out, "…");
}

static char *pointer_of(struct place place)
{
    struct buffer out;
    buffer_init(&out, POINTER_MAX);
    if (place.list)
        buffer_append_text(&out, place.list);
    if (place.index) {
        buffer_append_byte(&out, '/');
        buffer_append_uint(&out, *place.index);
    }
    if (place.outer)
        append_token(&out, slice_from(place.outer));
    if (place.field)
        append_token(&out, slice_from(place.field));
    if (place.name.data)
        append_token(&out, place.name);
    const char *text = buffer_text(&out);
    char *pointer = memory_copy_text(text ? text : "");
    buffer_done(&out);
    return pointer;
}

/* The JSON library quotes the text by bytes and may cut a character in two. */
static void keep_utf8(char *detail)
{
    if (utf8_is_valid(slice_from(detail)))
        return;
    for (char *at = detail; *at; at++) {
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    }
}

void report_error(struct parse_errors *errors, struct place place, const char *format,
                  ...)
{
    errors->total++;
    if (errors->count == PARSE_ERRORS_MAX)
        return;
    char detail[DETAIL_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    keep_utf8(detail);
    errors->list[errors->count++] = (struct parse_error){
        .pointer = pointer_of(place),
        .detail = memory_copy_text(detail),
    };
}

void report_unknown(struct parse_errors *errors, struct place place, const char *name,
                    const char *const *names, size_t count)
{
    if (errors->count == PARSE_ERRORS_MAX) { /* searching has its price */
        errors->total++;
        return;
    }
    const char *meant = nearest_name(slice_from(name), names, count);
    place = place_field(place, name);
    if (meant)
        report_error(errors, place, "unknown field; did you mean \"%s\"?", meant);
    else
        report_error(errors, place, "unknown field");
}

void parse_errors_done(struct parse_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        free(errors->list[i].pointer);
        free(errors->list[i].detail);
    }
    *errors = (struct parse_errors){.refusal = PARSE_INVALID};
}
