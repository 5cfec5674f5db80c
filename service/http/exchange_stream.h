/* SPDX-License-Identifier: Apache-2.0 */
/* A reply whose body comes bit by bit. What is written and not yet sent is held in a
 * queue, counted in budgets->reply_bytes; its reader is behind when much is. A body that
 * is not ended by exchange_stream_end never looks complete: its last chunk is missing.
 * The worker's thread. */
#pragma once

#include "base/attributes.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange_stream_setup {
    struct reply head;
    /* on_gone also when memory ran out for what was to be written. */
    struct exchange_waiter waiter;
    /* The reader was behind and has caught up; called from a timer. */
    void (*on_room)(void *work);
};

/* exchange_stream_start answers the exchange: the head leaves now. Instead of
 * exchange_reply_…, inside a handler or later. False: no memory, the exchange is gone and
 * none of the functions is called. */
bool exchange_stream_start(struct exchange *exchange,
                           const struct exchange_stream_setup *setup) MUST_CHECK;

/* exchange_stream_add makes the next `size` (> 0) bytes of the body, which leave in this
 * turn, and returns where to write them, at once. NULL: no memory; on_gone follows. */
char *exchange_stream_add(struct exchange *exchange, size_t size) MUST_CHECK;

/* exchange_stream_is_behind: so much is held that on_room is worth waiting for.
 * exchange_stream_held: bytes of memory the queue takes. */
bool exchange_stream_is_behind(const struct exchange *exchange);
size_t exchange_stream_held(const struct exchange *exchange);

/* exchange_stream_end: what was written leaves, then the body is complete. The exchange
 * must not be touched afterwards. */
void exchange_stream_end(struct exchange *exchange);

/* For exchange.c. exchange_stream_cut: no more of the body will come, and the connection
 * is closed without its end. exchange_stream_free releases exchange->stream, if there is
 * one. */
void exchange_stream_cut(struct exchange *exchange);
void exchange_stream_free(struct exchange *exchange);
