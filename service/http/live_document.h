/* SPDX-License-Identifier: Apache-2.0 */
/* The running service as one JSON document: GET /-/live, for the console and `gatherd
 * top`. Its shape is in openapi.yaml. Counters are totals since the start: who polls
 * makes rates of two of them. */
#pragma once

#include "base/buffer.h"
#include "fetch/circuits.h"
#include "http/front.h"
#include "http/live_desk.h"
#include "metrics/process_figures.h"

enum { LIVE_ORIGINS_MAX = 100 };

struct live_facts {
    const struct front_setup *setup; /* state, budgets and the shards: one per worker
                                        first, in their order */
    const struct live_part *parts;   /* of the workers */
    unsigned part_count;
    const struct circuit_list *circuits;
    struct process_figures process;
    uint64_t now_at_ms; /* since 1970 */
    uint64_t now_ms;    /* clock_now_ms */
};

/* live_document_write appends the document, or leaves `out` failed. Origins are callers'
 * business: it is for operators. */
void live_document_write(struct buffer *out, const struct live_facts *facts);
