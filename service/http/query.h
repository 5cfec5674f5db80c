/* SPDX-License-Identifier: Apache-2.0 */
/* A query string taken apart: name=value&name=value, percent-decoding done. Pure. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"
#include "batch/parse.h"

#include <stdbool.h>
#include <stddef.h>

struct query {
    struct parse_argument *arguments;
    size_t count;
    char *text; /* what the slices point into */
};

/* query_parse fails with a sentence for the client on a broken percent escape, %00, or
 * more than `max` arguments. '+' is a space, as browsers write it. Empty parts are
 * skipped. */
bool query_parse(struct slice text, size_t max, struct query *ret_query,
                 struct error *err) MUST_CHECK;
void query_done(struct query *query);
