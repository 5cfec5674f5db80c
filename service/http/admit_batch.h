/* SPDX-License-Identifier: Apache-2.0 */
/* Is a batch taken at all: the process drains, is short of memory or busy, the caller is
 * over its rate. */
#pragma once

#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

/* admit_batch: false, and the exchange is answered, when no batch is taken now. Takes
 * nothing of the caller's rate. */
bool admit_batch(struct exchange *exchange);

/* admit_batch_time: how much time the client says it has left (fetch.deadline_header);
 * false, and answered, when it says so in a way that cannot be read. */
bool admit_batch_time(struct exchange *exchange, bool *ret_is_given, uint64_t *ret_ms);
