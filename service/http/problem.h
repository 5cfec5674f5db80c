/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals: one table of RFC 9457 problem types; each answers as application/problem+json
 * and has a paragraph at /problems/NAME. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "batch/parse.h"

#include <stdbool.h>

struct exchange;

enum problem_type {
    PROBLEM_INVALID_BATCH,      /* 400 */
    PROBLEM_INVALID_REQUEST,    /* 400: the HTTP request itself */
    PROBLEM_UNAUTHORIZED,       /* 401 */
    PROBLEM_FORBIDDEN,          /* 403 */
    PROBLEM_NOT_FOUND,          /* 404 */
    PROBLEM_METHOD_NOT_ALLOWED, /* 405, Allow */
    PROBLEM_REQUEST_TIMEOUT,    /* 408 */
    PROBLEM_LENGTH_REQUIRED,    /* 411 */
    PROBLEM_CONFIGURATION,      /* 409: of a reload */
    PROBLEM_TOO_MANY_ITEMS,     /* 413 */
    PROBLEM_TOO_LARGE,          /* 413: bytes */
    PROBLEM_URI_TOO_LONG,       /* 414 */
    PROBLEM_MEDIA_TYPE,         /* 415 */
    PROBLEM_MISDIRECTED,        /* 421 */
    PROBLEM_HEAD_TOO_LARGE,     /* 431 */
    PROBLEM_RATE_LIMITED,       /* 429, Retry-After */
    PROBLEM_INTERNAL,           /* 500 */
    PROBLEM_HTTP_VERSION,       /* 505 */
    PROBLEM_OVERLOADED,         /* 503, Retry-After */
    PROBLEM_DRAINING,           /* 503, Retry-After */
    PROBLEM_COUNT,
};

/* problem_reply answers with the problem; `detail` is one sentence for this occurrence,
 * `errors` the pointers (NULL: none). problem_reply_later says by Retry-After how many
 * seconds to wait. problem_reply_allow is the 405 with its Allow header. */
void problem_reply(struct exchange *exchange, enum problem_type type, const char *detail,
                   const struct parse_errors *errors);
void problem_reply_later(struct exchange *exchange, enum problem_type type,
                         const char *detail, unsigned seconds);
void problem_reply_allow(struct exchange *exchange, const char *allow);

/* problem_reply_lines: with a list "faults", one for each line. */
void problem_reply_lines(struct exchange *exchange, enum problem_type type,
                         const char *detail, struct slice lines);

/* problem_status returns the HTTP status of the type. */
int problem_status(enum problem_type type);

/* problem_page appends the page of /problems/NAME, or returns false for an unknown name.
 */
bool problem_page(struct buffer *out, struct slice name);

/* problem_document appends the JSON alone, for places without an exchange. `detail` and
 * `errors` may be NULL; request_id must be printable ASCII. */
void problem_document(struct buffer *out, enum problem_type type, const char *detail,
                      const char *request_id, const struct parse_errors *errors);

/* problem_message appends the whole reply, head and document, that closes the connection:
 * for refusals the HTTP library cannot make. */
void problem_message(struct buffer *out, enum problem_type type, const char *detail,
                     const char *request_id);
