/* SPDX-License-Identifier: Apache-2.0 */
/* References in an item's body. In JSON they stand in string values, never in names: a
 * string that is one reference becomes its value with its type, byte for byte; others
 * take values as text. A body of text takes them as text, a form percent-encoded. A text
 * that is one reference and nothing else is JSON if its value is: as with bodies that are
 * written out, only a string is sent as its characters. Pure. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "batch/template.h"

#include <stdbool.h>
#include <stddef.h>

enum body_template_kind {
    BODY_TEMPLATE_TEXT,
    BODY_TEMPLATE_FORM,
    BODY_TEMPLATE_JSON,
    BODY_TEMPLATE_WHOLE, /* one reference, and nobody said what it is */
};

/* JSON up to a string, then the string. */
struct body_part {
    struct slice raw;
    const struct template *string; /* NULL: none follows */
};

struct body_template {
    enum body_template_kind kind;
    struct template text; /* all kinds but JSON */
    const struct body_part *parts;
    size_t part_count;
};

/* body_template_is_likely: is there "{{", be it by escapes, in a JSON value's text? What
 * has none needs no look. */
bool body_template_is_likely(struct slice raw);

/* body_template_read_json takes valid JSON, body_template_read_text a text; both must
 * live as long as the template. Failing as template_read. *ret_is_needed: there is a
 * reference or a {{{{ in it. */
bool body_template_read_json(struct template_reader *reader, struct slice raw,
                             struct body_template *ret_body, bool *ret_is_needed,
                             const char **ret_fault) MUST_CHECK;
bool body_template_read_text(struct template_reader *reader, struct slice text,
                             enum body_template_kind kind, struct body_template *ret_body,
                             const char **ret_fault) MUST_CHECK;

/* expand_body appends the body. *ret_is_json: it is to be declared as JSON. */
bool expand_body(struct expansion *expansion, const struct body_template *body,
                 struct buffer *out, bool *ret_is_json) MUST_CHECK;
