/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch would do, as JSON: nothing of it is sent, no name looked up. Pure, but for
 * the budget; any thread that owns the batch. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "batch/batch.h"
#include "config/config.h"
#include "fetch/budget.h"
#include "fetch/guard.h"

struct explain_setup {
    const struct config *config;
    const struct guard *guard; /* of the caller */
    struct budget *replies;    /* what is written is charged to it */
};

enum explain_result {
    EXPLAIN_DONE,
    EXPLAIN_TOO_LARGE, /* over batch.reply_max_bytes */
    EXPLAIN_NO_ROOM,   /* the budget is full, or there is no memory */
};

/* explain_batch writes the document into `out`, which it initialises, and plans the batch
 * on the way. EXPLAIN_DONE: out->len bytes are charged. Otherwise `out` is empty and
 * nothing is charged. Some 5 µs an item. */
enum explain_result explain_batch(const struct explain_setup *setup, struct batch *batch,
                                  struct buffer *out) MUST_CHECK;
