/* SPDX-License-Identifier: Apache-2.0 */
/* What auth.limits lets a caller ask for. A batch that is over a limit is refused whole,
 * before anything is sent. */
#pragma once

#include "batch/parse.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stddef.h>

/* admit_caller_early: false when the caller may not send even one item now; the exchange
 * is answered then. Cheap, and takes nothing: for before the body is parsed. */
bool admit_caller_early(struct exchange *exchange);
/* admit_caller_items takes `count` items off the caller's rate; false, and answered, when
 * it has not so many. Once for a batch, when it is known to be sound. */
bool admit_caller_items(struct exchange *exchange, size_t count);
/* admit_caller_refuse_size answers a batch of more items than the caller may send. */
void admit_caller_refuse_size(struct exchange *exchange,
                              const struct parse_errors *errors);
