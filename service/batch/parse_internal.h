/* SPDX-License-Identifier: Apache-2.0 */
/* What the parse files share: the parser's state, and an item's fields before the
 * defaults were merged in. Nobody else includes this. */
#pragma once

#include "batch/arena.h"
#include "batch/batch.h"
#include "batch/body_spans.h"
#include "batch/document_memory.h"
#include "batch/parse.h"
#include "batch/parse_report.h"

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of the shape; the server's own limits lower them further (plan). */
enum {
    ID_CHARACTERS_MAX = 128,
    HEADER_LINES_MAX = 100,      /* of one item, defaults included */
    HEADER_BYTES_MAX = 32 << 10, /* names and values of one item */
    TIMEOUT_MS_MAX = 600000,
    REDIRECTS_MAX = 20,
    CONCURRENCY_MAX = 100000,
};
#define BODY_BYTES_MAX 9007199254740991 /* 2^53 - 1: every JSON reader holds it */

/* What the slices of a batch point into. */
struct document {
    json_t *root;     /* NULL: for a query, a plain batch */
    json_t *defaults; /* parse_setup's; NULL: none */
    struct arena arena;
    struct document_memory memory;
};

/* Header lines to send. `lines` always has one more behind `count`: the content-type of a
 * JSON body, so that adding it never needs a copy. */
struct header_set {
    const struct call_header *lines;
    size_t count;
    size_t bytes;
    bool has_content_type; /* the caller gave one, or gave an empty list of them */
    bool has_braces;       /* there may be references in values */
};

/* A body as given, and what it became under each encoding: the defaults' body may be used
 * by thousands of items and is decoded once. */
struct body_source {
    struct slice raw; /* the JSON value as it stands in the text; data NULL: none given */
    struct place place;
    struct slice made[BODY_BASE64 + 1];
    enum { MADE_NOT_YET, MADE_FINE, MADE_WRONG } state[BODY_BASE64 + 1];
    enum { BRACES_NOT_LOOKED, BRACES_NONE, BRACES_LIKELY } braces;
};

/* The fields of an item or of the defaults; -1, NULL, BODY_NONE: not given. */
struct item_fields {
    struct slice id;
    struct slice url;
    int method;
    enum body_encoding body_encoding;
    struct header_set headers;
    struct body_source body;
    int64_t timeout_ms;
    int64_t connect_timeout_ms;
    int64_t redirects;
    int64_t max_body_bytes;
    json_t *depends_on;        /* an array; NULL: not given */
    struct slice for_each, as; /* data NULL: not given */
    int64_t for_each_max;
    struct item_options options; /* item_options.h says what is "not given" */
    bool has_options;            /* any of them is given */
    struct answer_shape *shape;  /* options.shape, while it is being read; NULL: none */
};

/* A member of an item: the row of the table in parse_item.c, and what reads it. `place`
 * is the item's. */
struct field_row;
struct parser;
struct referrer; /* of parse_references.h */
typedef void take_fn(struct parser *parser, struct item_fields *fields, json_t *value,
                     struct place place, const struct field_row *row);

struct field_row {
    const char *name;
    take_fn *take;
    bool is_default; /* may stand in the defaults */
    bool is_option;  /* one of struct item_options */
    size_t offset;   /* of an integer, in struct item_fields */
    int64_t min;
    int64_t max;
};

struct parser {
    const struct config *config;
    const char *caller; /* "": everybody */
    uint64_t max_items;
    bool may_set_host;
    struct parse_errors *errors;
    struct document *document;
    struct body_spans spans;
    size_t spans_cursor;
    struct item_fields defaults;
    const struct item_options *default_options; /* NULL: none is given */
    struct body_source shared;                  /* the batch's "sharedBody" */
    enum body_encoding shared_encoding;
    bool is_shared_used;
    const uint64_t *numbers;
    bool has_no_references;
    struct referrer *referrers; /* in the order of their items */
    struct referrer **referrers_end;
    bool is_out_of_memory;
};

static inline struct parser parser_of(const struct parse_setup *setup,
                                      struct parse_errors *errors)
{
    uint64_t most = setup->config->batch.max_items;
    bool is_less = setup->max_items > 0 && setup->max_items < most;
    return (struct parser){.config = setup->config,
                           .caller = setup->caller ? setup->caller : "",
                           .max_items = is_less ? setup->max_items : most,
                           .may_set_host = setup->may_set_host,
                           .numbers = setup->numbers,
                           .has_no_references = setup->has_no_references,
                           .errors = errors};
}

/* item_fields_init: nothing given. */
void item_fields_init(struct item_fields *fields);

/* parse_defaults and parse_item read a JSON value into parser->defaults and *item; what
 * is wrong is reported and the field left as not given. */
void parse_defaults(struct parser *parser, json_t *value);
void parse_item(struct parser *parser, struct item *item, json_t *value,
                struct place place);
/* parse_plain_item is a request of which only the URL is given. */
void parse_plain_item(struct parser *parser, struct item *item, struct slice url,
                      struct place place);

/* parse_headers reads an item's "headers" over `defaults` (NULL: none), name by name. */
void parse_headers(struct parser *parser, json_t *value,
                   const struct header_set *defaults, struct place place,
                   struct header_set *ret_headers);
extern const struct header_set no_headers;
/* header_value_fault: what makes `value` no header's value (RFC 9110 5.5), or NULL. */
const char *header_value_fault(struct slice value);

/* parse_body makes the bytes to send of `source` read as `encoding` (BODY_NONE: by type).
 * False: it is not of that kind, and reported. *ret_is_json: it is JSON. */
bool parse_body(struct parser *parser, struct body_source *source,
                enum body_encoding encoding, struct slice *ret_body,
                bool *ret_is_json) MUST_CHECK;

/* parse_wait reads the options about what the batch waits for, of which batch->count is
 * set; the others read the same from the arguments of a query. What is wrong is reported
 * and left as not given. */
void parse_wait(struct parser *parser, struct batch *batch, const json_t *root);
void parse_wait_until_argument(struct parser *parser, struct batch *batch,
                               struct slice value);
void parse_wait_fail_fast_argument(struct parser *parser, struct batch *batch,
                                   struct slice value);
void parse_wait_on_failure_argument(struct parser *parser, struct batch *batch,
                                    struct slice value);

/* parse_body_encoding reads a member "bodyEncoding" of what is at `place`. */
void parse_body_encoding(struct parser *parser, json_t *value, struct place place,
                         enum body_encoding *ret_encoding);

/* parse_attempts.c: what an item wants when an attempt fails. parse_attempts, after the
 * options and headers of `item` were settled, sees to what depends on its method, and
 * adds the header of its key; there is one line behind the last before and after. */
take_fn take_idempotency_key, take_alternatives, take_fallback;
void parse_attempts(struct parser *parser, struct item *item,
                    const struct item_fields *own, struct place place);

/* parse_expect.c: "expect", an object (expect.h). */
take_fn take_expect;

/* parse_finish gives every item without an id its index and finds ids that are not
 * unique. */
void parse_finish(struct parser *parser, struct batch *batch, struct place list);

/* parse_document_new gives the parser its document, so that what follows is charged. */
void parse_document_new(struct parser *parser, struct budget *memory);

/* parse_batch_new makes a batch of `count` empty items, or NULL. The parser's document is
 * then the batch's. */
struct batch *parse_batch_new(struct parser *parser, size_t count) MUST_CHECK;

/* parse_include_word adds the bit of "headers", "body" or "timing", or reports at
 * `place`. */
void parse_include_word(struct parser *parser, struct slice word, struct place place,
                        unsigned *include);

/* parse_conclude: the batch if nothing was reported and memory sufficed, else NULL, the
 * batch freed and the errors complete. */
struct batch *parse_conclude(struct parser *parser, struct batch *batch) MUST_CHECK;
