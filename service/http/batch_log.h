/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: one line for each batch that ran (log.access). */
#pragma once

#include "batch/gather.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

struct batch_log_entry {
    const struct gather_summary *summary;
    const struct trace *trace; /* NULL: it belongs to none */
    uint64_t bytes;            /* of the reply's body */
    int status;                /* of the reply */
    const char *form;          /* how it was streamed; NULL: one document */
    bool is_cut;               /* a stream whose client went away before its end */
};

/* batch_log writes the line if it is wanted; call it before the exchange is answered. */
void batch_log(const struct exchange *exchange, const struct batch_log_entry *entry);
