/* SPDX-License-Identifier: Apache-2.0 */
/* The last traced observation of a bucket, written by its shard's thread and read by
 * whoever scrapes: a number that is odd while it is written tells the reader to come
 * again. */
#pragma once

#include "base/attributes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { EXEMPLAR_TRACE_LEN = 32, EXEMPLAR_SPAN_LEN = 16, EXEMPLAR_WORDS = 8 };

struct exemplar {
    char trace_id[EXEMPLAR_TRACE_LEN]; /* hex digits, no NUL */
    char span_id[EXEMPLAR_SPAN_LEN];
    uint64_t us;    /* what was observed */
    uint64_t at_ms; /* since 1970 */
};

struct exemplar_slot {
    atomic_uint_fast64_t number; /* 0: there was none yet */
    atomic_uint_fast64_t words[EXEMPLAR_WORDS];
};

/* exemplar_put: the one writer. exemplar_get: any thread; false: there is none, or it was
 * being written whenever it was looked at. */
void exemplar_put(struct exemplar_slot *slot, const struct exemplar *exemplar);
bool exemplar_get(const struct exemplar_slot *slot,
                  struct exemplar *ret_exemplar) MUST_CHECK;
