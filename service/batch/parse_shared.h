/* SPDX-License-Identifier: Apache-2.0 */
/* Broadcasts as they are read: a body for many items, and signatures. */
#pragma once

#include "batch/parse_internal.h"

/* parse_shared.c: the batch's "sharedBody". _is_meant: a body says {"$shared": true};
 * _body: what to read then and how, NULL: reported; _end reports one that is not used. */
void parse_shared_begin(struct parser *parser, json_t *root);
bool parse_shared_is_meant(struct slice raw);
struct body_source *parse_shared_body(struct parser *parser, struct item_fields *own,
                                      struct place place, enum body_encoding *encoding);
void parse_shared_end(struct parser *parser);

/* parse_sign.c: parse_sign_headers reports headers that do not go with a signature. */
take_fn take_sign;
void parse_sign_headers(struct parser *parser, const struct item *item,
                        struct place place);
