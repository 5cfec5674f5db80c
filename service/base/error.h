/* SPDX-License-Identifier: Apache-2.0 */
/* How a fallible function says what went wrong: a kind for the program, one sentence for
 * the person. Low layers fill it in, the edge (main, worker, http) logs or answers it. */
#pragma once

#include "base/attributes.h"

#include <stdbool.h>

enum error_kind {
    ERROR_NONE,
    ERROR_INVALID, /* the input is wrong: the sentence names the place and the fix */
    ERROR_LIMIT,   /* a ceiling was reached */
    ERROR_SYSTEM,  /* the operating system or a library refused */
    ERROR_IN_USE,  /* somebody has it already */
    ERROR_GONE,    /* whoever was to answer hung up */
};

struct error {
    enum error_kind kind;
    char text[512]; /* one sentence, no final dot, NUL-terminated, cut if too long */
};

/* error_set fills `err` and returns false, so that a failure is one line:
 *     return error_set(err, ERROR_INVALID, "%s: not a port", text);
 * `err` may be NULL for callers that do not care. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* error_set_errno appends ": " and the text of `error_number`; kind ERROR_SYSTEM. */
bool error_set_errno(struct error *err, int error_number, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* error_prefix puts "prefix: " in front of the sentence already there. */
void error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);
