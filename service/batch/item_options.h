/* SPDX-License-Identifier: Apache-2.0 */
/* What an item may ask for beyond being fetched. Most items ask for nothing of it, have
 * no such struct and pay nothing for it. Made by the parser in the batch's memory, the
 * defaults merged in; read-only thereafter. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer_shape;
struct expectation;
struct fallback;
struct references;
struct signing;

enum { OPTION_NOT_GIVEN = -1 }; /* of the numbers; pointers are NULL then */

struct item_options {
    int64_t is_optional;      /* 0, 1: its failure does not make the batch incomplete */
    int64_t coalesces;        /* 0, 1: may share a call with an equal item */
    int64_t takes_references; /* 0, 1: {{…}} in it are references */
    int64_t retries;
    int64_t hedge_after_ms;
    struct slice idempotency_key;     /* data NULL: not given */
    const struct slice *alternatives; /* URLs, a NUL behind each */
    size_t alternative_count;
    const struct expectation *expect;    /* expect.h */
    const struct fallback *fallback;     /* fallback.h */
    const struct answer_shape *shape;    /* answer_shape.h */
    const struct signing *signing;       /* signing.h */
    const struct references *references; /* references.h */
};

/* item_options_init: nothing given. item_options_merge takes what `own` leaves open from
 * `defaults`. Pure. */
void item_options_init(struct item_options *options);
void item_options_merge(struct item_options *own, const struct item_options *defaults);
