/* SPDX-License-Identifier: Apache-2.0 */
/* The Server-Timing header of a batch's reply (W3C Server Timing): where its time went,
 * for whoever looks at it in a browser or a proxy's log, without a look at the body.
 *
 *     parse;dur=0.412, queue;dur=1.2, fetch;dur=38.1, slowest;dur=37.9;desc="users",
 *     total;dur=38.512
 *
 * parse: from the whole request to the first item handed on; fetch: from there to the
 * last item's end, and of it queue: the longest that an item waited for its turn; and
 * slowest, with its id where a header can hold it. Pure. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "fetch/call.h"

enum { SERVER_TIMING_MAX = 320, SERVER_TIMING_ID_MAX = 64 };

/* Zero it at the batch's start. */
struct server_timing {
    double first_ms; /* when the first item was handed on, since the batch came */
    double queue_ms;
    double slowest_ms;
    struct slice slowest_id; /* of an item of the batch */
    bool has_items;
};

/* server_timing_note: an item ended. `start_ms`: as of gather_item_fn; `id` lives until
 * the header is written. */
void server_timing_note(struct server_timing *timing, struct slice id,
                        const struct outcome *outcome, double start_ms);

/* server_timing_write appends the header's value, at most SERVER_TIMING_MAX bytes. */
void server_timing_write(const struct server_timing *timing, double total_ms,
                         struct buffer *out);
