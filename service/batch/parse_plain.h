/* SPDX-License-Identifier: Apache-2.0 */
/* The short way for batches that are nothing but lists of URLs. For parse.c only. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stdbool.h>

struct batch;
struct parser;

/* parse_plain_batch: false: `text` is something else, right or wrong, and nothing was
 * done. *ret_batch is NULL when there is no memory, which the parser says. */
bool parse_plain_batch(struct parser *parser, struct slice text,
                       struct batch **ret_batch) MUST_CHECK;
