/* SPDX-License-Identifier: Apache-2.0 */
/* The item fields about how much of a reply is wanted: "select", "bodyMode",
 * "responseHeaders". For parse_item.c only. */
#pragma once

#include "batch/parse_internal.h"

take_fn take_select, take_body_mode, take_response_headers;

/* parse_shape, after all fields of an item or of the defaults were read, reports those
 * that do not go together; fields->shape is not NULL. */
void parse_shape(struct parser *parser, const struct item_fields *fields,
                 struct place place);

/* parse_shape_merge takes what own->shape, which is not NULL, leaves open from that of
 * the defaults. */
void parse_shape_merge(struct parser *parser, struct item_fields *own);
