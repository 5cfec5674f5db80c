/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is wrong with a configuration, collected so that the operator sees it
 * at once and in the order of the file. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/* Where a value was written. `source` is the file's name or "--set path=value" and
 * outlives the place; line and column count from 1, line 0 means the source as a whole.
 */
struct place {
    const char *source;
    size_t line;
    size_t column;
};

enum { FAULTS_MAX = 100 }; /* further ones are only counted */

struct fault {
    struct place place;
    bool is_warning;
    char *text; /* "key: what is wrong" */
};

struct faults {
    struct fault items[FAULTS_MAX];
    size_t count;
    size_t error_count; /* of all, warnings not counted */
    size_t left_out;
};

/* Zeroed memory is an empty list. */
void faults_done(struct faults *faults);

/* faults_add keeps one sentence about `key` ("" for none). Control characters and
 * broken UTF-8 are made harmless, so no file can forge lines or drive a terminal. */
void faults_add(struct faults *faults, struct place place, const char *key,
                const char *format, ...) PRINTF_LIKE(4, 5);
/* faults_warn: likewise, but the configuration may be used. */
void faults_warn(struct faults *faults, struct place place, const char *key,
                 const char *format, ...) PRINTF_LIKE(4, 5);

/* faults_write sorts by place (sources in order of appearance) and appends one line each:
 * "source:line:column: key: text". */
void faults_write(struct faults *faults, struct buffer *out);
