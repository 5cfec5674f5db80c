/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of a batch's reply a client wants: content negotiation by its Accept header
 * (RFC 9110 12.5.1). Pure.
 *
 * Each form's quality is that of the most specific range that matches it; the highest
 * wins, and among equals the first of enum reply_form: a client that does not care gets
 * the one document. A header that is no Accept, and one that accepts none of the forms,
 * are answered with JSON as if there were none, which RFC 9110 allows: a 406 would turn
 * away clients that always got an answer they could read. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>

enum reply_form {
    REPLY_JSON,   /* one document, when all is done */
    REPLY_NDJSON, /* a line for each response as it comes */
    REPLY_EVENTS, /* server-sent events */
};

/* The spellings of the forms there are: NDJSON has no registered name. */
enum { ACCEPT_TYPES = 5 };

/* Zeroed before the first line. */
struct accept {
    bool is_there;
    bool is_malformed;
    struct accept_quality {
        unsigned char
            breadth; /* of the range: 0 none, 1: all types, 2: type/…, 3 exact */
        unsigned short quality; /* in thousandths */
    } types[ACCEPT_TYPES];
};

/* accept_add takes the value of one Accept line; several are one list. */
void accept_add(struct accept *accept, struct slice value);

struct accept_choice {
    enum reply_form form;
    const char *content_type; /* in the spelling that was asked for */
};
struct accept_choice accept_choose(const struct accept *accept);
