/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals of a whole batch, from the worker's thread. Each answers the exchange. */
#pragma once

#include "batch/parse.h"
#include "http/exchange.h"
#include "http/problem.h"

/* batch_refuse counts the batch as refused and answers with the problem; `errors` may be
 * NULL. */
void batch_refuse(struct exchange *exchange, enum problem_type type, const char *detail,
                  const struct parse_errors *errors);
/* batch_refuse_shape answers for a document that parse_batch refused. */
void batch_refuse_shape(struct exchange *exchange, const struct parse_errors *errors);
