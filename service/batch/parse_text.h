/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a document to jansson's tree. For parse.c only. */
#pragma once

#include "batch/parse_internal.h"

/* parse_text fills parser->spans and returns the tree, its bodies replaced. NULL:
 * reported, with line and column, or parser->is_out_of_memory. */
json_t *parse_text(struct parser *parser, struct slice text) MUST_CHECK;
