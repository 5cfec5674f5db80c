/* SPDX-License-Identifier: Apache-2.0 */
/* The answer an item brings along for when no upstream gives one. Pure. */
#pragma once

#include "base/slice.h"
#include "batch/item_options.h"
#include "fetch/call.h"

#include <stdbool.h>
#include <stddef.h>

struct fallback {
    int status;
    const struct call_header *headers; /* names in lower case */
    size_t header_count;
    struct slice body; /* the bytes themselves */
    struct slice content_type;
};

/* fallback_applies: `outcome` is a failure (retry_is_failure) of an item that has a
 * fallback, and not for want of anybody who waits for it: an item that was cancelled
 * stays so. */
bool fallback_applies(const struct item_options *options, const struct outcome *outcome);

/* fallback_outcome is what the item is answered with in place of `outcome`: no failure
 * any more. The attempts that led here are told, also when there was one: then it is
 * written into `one`, which must live as long as the result. */
struct outcome fallback_outcome(const struct fallback *fallback,
                                const struct outcome *outcome,
                                struct attempt_record *one);
