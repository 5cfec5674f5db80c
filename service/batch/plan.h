/* SPDX-License-Identifier: Apache-2.0 */
/* Batch + configuration → calls with their limits and absolute deadline. Pure.
 * An item may lower the server's limits, never raise them: larger wishes are clamped. */
#pragma once

#include "batch/batch.h"
#include "config/config.h"

#include <stdint.h>

struct plan {
    uint64_t deadline_ms; /* absolute, loop clock */
    uint32_t concurrency; /* 0: no limit */
};

/* plan_deadline_ms: how long the batch may take, by its wish, the server's limit and what
 * time its client has left; 0: it is over already. */
uint64_t plan_deadline_ms(const struct batch *batch, const struct config *config);

/* plan_make fills the public part of every item's call (all but on_done) and returns the
 * plan. `now_ms` is the loop's clock: when the batch was accepted. */
struct plan plan_make(struct batch *batch, const struct config *config, uint64_t now_ms);
