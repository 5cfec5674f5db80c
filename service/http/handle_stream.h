/* SPDX-License-Identifier: Apache-2.0 */
/* A batch whose responses leave as they come. The worker's thread. */
#pragma once

#include "batch/batch.h"
#include "batch/gather.h"
#include "http/accept.h"
#include "http/exchange.h"

/* handle_stream_start takes `batch` over, answers the exchange with a stream of the
 * `choice` (any form but JSON) and runs the batch by `setup`, whose hooks it fills in. */
void handle_stream_start(struct exchange *exchange, struct batch *batch,
                         const struct gather_setup *setup,
                         const struct accept_choice *choice);

/* handle_stream_is_again: an event stream was cut and the client, all by itself, asks for
 * what is missing. It is told to stop: the whole batch would run once more. Answered when
 * true. */
bool handle_stream_is_again(struct exchange *exchange,
                            const struct accept_choice *choice);
