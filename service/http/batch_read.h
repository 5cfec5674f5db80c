/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to its batch: small documents at once, large ones on the background
 * thread, so that nobody else on this loop waits for them. The worker's thread. */
#pragma once

#include "batch/parse.h"
#include "http/exchange.h"

/* Called at most once, in the handler or later from the loop, with the exchange still
 * unanswered: with the batch, which is then the callee's, or NULL and what is wrong. Not
 * called when the client went away or the process ended first. */
typedef void batch_read_fn(struct exchange *exchange, struct batch *batch,
                           const struct parse_errors *errors);

/* batch_read_body reads the body of POST /v1/batch, batch_read_query the query of GET. */
void batch_read_body(struct exchange *exchange, batch_read_fn *on_read);
void batch_read_query(struct exchange *exchange, batch_read_fn *on_read);
