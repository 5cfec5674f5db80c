/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of batch/ share: a configuration of round numbers, and parsing a C
 * string. */
#pragma once

#include "base/json_text.h"
#include "batch/parse.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct config fixture_config(void)
{
    struct config config;
    memset(&config, 0, sizeof config);
    config.batch.max_items = 1000;
    config.batch.deadline_ms = 15000;
    config.batch.max_deadline_ms = 120000;
    config.batch.reply_max_bytes = 64 << 20;
    config.fetch.timeout_ms = 10000;
    config.fetch.connect_timeout_ms = 2000;
    config.fetch.body_max_bytes = 4 << 20;
    config.fetch.max_redirects = 5;
    return config;
}

/* From memory of exactly its size, so that a sanitizer sees a byte read too much. */
static inline struct batch *fixture_parse_bytes(const char *bytes, size_t len,
                                                struct parse_errors *errors)
{
    struct config config = fixture_config();
    char *text = malloc(len ? len : 1);
    if (len)
        memcpy(text, bytes, len);
    struct batch *batch = parse_batch(slice_make(text, len),
                                      &(struct parse_setup){.config = &config}, errors);
    free(text);
    return batch;
}

static inline struct batch *fixture_parse(const char *text, struct parse_errors *errors)
{
    return fixture_parse_bytes(text, strlen(text), errors);
}

/* The same with ' for ", so that tests read easily. */
static inline struct batch *fixture_parse_quoted(const char *text,
                                                 struct parse_errors *errors)
{
    char *copy = strdup(text);
    for (char *at = copy; *at; at++) {
        if (*at == '\'')
            *at = '"';
    }
    struct batch *batch = fixture_parse(copy, errors);
    free(copy);
    return batch;
}

/* Is there an error at `pointer` whose sentence holds `part`? */
static inline bool fixture_has_error(const struct parse_errors *errors,
                                     const char *pointer, const char *part)
{
    for (size_t i = 0; i < errors->count; i++) {
        if (strcmp(errors->list[i].pointer, pointer) == 0 &&
            strstr(errors->list[i].detail, part))
            return true;
    }
    return false;
}

static inline void fixture_print_errors(const struct parse_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        fprintf(stderr, "  %s: %s\n", errors->list[i].pointer, errors->list[i].detail);
}

static inline bool fixture_is(struct slice text, const char *expected)
{
    return slice_is(text, expected);
}

/* A quoted text that must be a good batch. */
static inline struct batch *fixture_parse_good(const char *text)
{
    struct parse_errors errors;
    struct batch *batch = fixture_parse_quoted(text, &errors);
    fixture_print_errors(&errors);
    cr_assert_not_null(batch, "%s", text);
    return batch;
}
