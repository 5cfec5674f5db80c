/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with references in them. {{{{ stands for a literal {{.
 *
 * A value goes in by its place and never leaves it: in a URL every byte but RFC 3986's
 * unreserved is percent-encoded, so that it can be no more than part of one segment or
 * one query value; in a header it must be a field value; in JSON it is escaped. What
 * cannot be put in safely is refused. Pure. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "batch/reference.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    REFERENCES_MAX = 64, /* different ones, of one item */
    TEMPLATE_END = -1,
};

struct template_part {
    struct slice literal;
    int reference; /* that follows on it: its number; TEMPLATE_END: none */
};

struct template
{
    const struct template_part *parts;
    size_t count;
};

/* The templates of one item are read by one reader: it numbers their references. */
struct template_reader {
    struct reference_setup setup;
    struct reference list[REFERENCES_MAX];
    size_t count;
};

/* template_read splits `text`, which must live as long as the template. False: *ret_fault
 * says why in words that follow on a place, or is NULL when there is no memory. */
bool template_read(struct template_reader *reader, struct slice text,
                   struct template *ret_template, const char **ret_fault) MUST_CHECK;

/* template_is_one: nothing but one reference. */
bool template_is_one(const struct template *template);

/* template_url_fault: why references may not stand where they do in a URL: in its scheme,
 * host or port, or in a %-escape. NULL: they may. One that is the whole URL may. */
const char *template_url_fault(const struct template *url);

/* A value to put in: JSON as it stands, or (a header's value) bytes. */
struct template_value {
    bool is_text;
    struct slice bytes;
};

/* Putting values into templates. */
struct expansion {
    const struct template_value *values; /* by the reference's number */
    const char *fault;                   /* why it failed; NULL: `out` is full */
    int reference;                       /* the one that is to blame; -1: none alone */
    struct buffer scratch;               /* for one value; its ceiling bounds values */
};

/* Each appends the text with its values to `out`, or returns false. A string, a number,
 * true and false can stand in a text; null, objects and arrays cannot.
 * expand_url takes any string for a URL that is one reference. */
bool expand_url(struct expansion *expansion, const struct template *url,
                struct buffer *out) MUST_CHECK;
bool expand_header(struct expansion *expansion, const struct template *value,
                   struct buffer *out) MUST_CHECK;
bool expand_text(struct expansion *expansion, const struct template *text,
                 struct buffer *out) MUST_CHECK;
/* expand_form percent-encodes values, for application/x-www-form-urlencoded. */
bool expand_form(struct expansion *expansion, const struct template *text,
                 struct buffer *out) MUST_CHECK;
/* expand_json_string appends a JSON value: that of the one reference, or a string. */
bool expand_json_string(struct expansion *expansion, const struct template *text,
                        struct buffer *out) MUST_CHECK;
