/* SPDX-License-Identifier: Apache-2.0 */
/* JSON bytes, or a query string, to a batch, or every error with its JSON pointer. Pure.
 *
 * What the contract leaves open is settled so: an empty batch is refused; a body on GET
 * or HEAD is refused (it means nothing there, and often the method was forgotten); null
 * is a JSON body like any other; a header with an empty array sends no line and takes a
 * default of that name away; values with white space around them are refused, not
 * trimmed; an item has at most 100 header lines of 32 KiB together; outside bodies a
 * document nests at most 32 levels, an object of it has at most 64 fields and a field at
 * most 1000 values; a body nests at most 512 levels.
 *
 * Bodies are kept byte for byte (they are found by scanning and hidden from the JSON
 * library), so a number of 30 digits survives. Everything else goes through jansson,
 * duplicate keys refused, but for batches of nothing but URLs. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "batch/batch.h"
#include "config/config.h"
#include "fetch/budget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARSE_ERRORS_MAX = 20 }; /* more are counted, not listed */

struct parse_error {
    char *pointer; /* RFC 6901, "" for the whole document */
    char *detail;  /* one sentence: what is wrong and what would be right */
};

enum parse_refusal {
    PARSE_INVALID,   /* 400 */
    PARSE_TOO_MANY,  /* 413: more items than batch.max_items */
    PARSE_TOO_LARGE, /* 413: parsed, it would take more memory than one document may */
    PARSE_NO_MEMORY, /* 503: there is no memory for it just now */
};

struct parse_errors {
    enum parse_refusal refusal;
    struct parse_error list[PARSE_ERRORS_MAX];
    size_t count; /* in list */
    size_t total; /* found */
};

void parse_errors_done(struct parse_errors *errors);

/* What a batch is read with. */
struct parse_setup {
    const struct config *config;
    struct budget *memory; /* charged while the batch lives; NULL: nothing is */
    uint64_t max_items;    /* of this caller; 0: batch.max_items holds */
    bool may_set_host;     /* a Host header is taken, where it is one */
    const char *caller;    /* its name; NULL: everybody */

    /* Of a command line: */
    struct slice defaults;   /* a JSON object, over the document's own; data NULL: none */
    const uint64_t *numbers; /* the ids of items that name none, one for each item of the
                                document; NULL: their index */
    bool has_no_references;  /* {{…}} is text like any other */
};

/* parse_global_init: once, before there are threads and before any other JSON is made. */
void parse_global_init(void);

/* parse_batch takes the body of POST /v1/batch; `text` is not needed after it returns.
 * NULL and `errors` filled when the batch is wrong in its shape (openapi.yaml). Wrong
 * URLs are not looked at here: they fail their own item. */
struct batch *parse_batch(struct slice text, const struct parse_setup *setup,
                          struct parse_errors *errors) MUST_CHECK;

/* One name=value of a query, percent-decoding done. */
struct parse_argument {
    struct slice name;
    struct slice value;
};
/* parse_query is the same for GET /v1/batch?url=…&deadlineMs=…&include=… */
struct batch *parse_query(const struct parse_argument *arguments, size_t count,
                          const struct parse_setup *setup,
                          struct parse_errors *errors) MUST_CHECK;
