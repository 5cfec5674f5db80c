/* SPDX-License-Identifier: Apache-2.0 */
/* A line for each item, or for those that failed (log.items): what was asked, what came
 * of it, how long each phase took. No headers, no bodies; of the URL what log.redact
 * leaves.
 */
#pragma once

#include "batch/gather.h"
#include "http/exchange.h"

#include <stdbool.h>

/* item_log_is_wanted: asked once for a batch; false: nobody need call item_log. */
bool item_log_is_wanted(const struct config *config);

/* item_log writes the line of an item that ended, if it is of those that are wanted; as
 * gather_item_fn. */
void item_log(const struct exchange *exchange, const struct item *item,
              const struct outcome *outcome, double start_ms);
