/* SPDX-License-Identifier: Apache-2.0 */
/* One client request: head vetted, body collected under a ceiling, request id, answered
 * exactly once. Handlers see this and nothing of microhttpd. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "http/front.h"

#include <stdbool.h>
#include <stddef.h>

struct exchange;

/* What handlers read. */
const char *exchange_request_id(const struct exchange *exchange);
struct slice exchange_body(const struct exchange *exchange);
const struct front_setup *exchange_setup(const struct exchange *exchange);
/* The value of a request header (any case of the name), or NULL. */
const char *exchange_header(const struct exchange *exchange, const char *name);

/* A reply. Bodies of up to GATHER_PIECES_MAX pieces; `on_sent` (may be NULL) is called once
 * when the last byte was given to the kernel or the connection is gone. */
struct reply {
    int status;
    const char *content_type;
    const char *extra_names[6]; /* further headers, NULL-terminated pairs with values */
    const char *extra_values[6];
    bool close; /* close the connection after it */
};

/* Each of these answers the exchange; exactly one of them, exactly once. Memory given is
 * taken over (free()). They may be called inside a handler or later from the loop. */
void exchange_reply_text(struct exchange *exchange, const struct reply *reply, char *text,
                         size_t len);
void exchange_reply_static(struct exchange *exchange, const struct reply *reply,
                           struct slice text);
struct gather_piece;
void exchange_reply_pieces(struct exchange *exchange, const struct reply *reply,
                           struct gather_piece *pieces, size_t count, uint64_t reply_bytes);

/* exchange_wait: the handler will answer later. `on_gone` is called when the client went away
 * first (never after the answer): drop the work; the exchange must not be answered then. */
void exchange_wait(struct exchange *exchange, void (*on_gone)(void *work),
                   void (*on_drain)(void *work), void *work);
