/* SPDX-License-Identifier: Apache-2.0 */
/* One client request: head vetted, body collected under a ceiling, request id, answered
 * exactly once. Handlers see this and nothing of microhttpd. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"
#include "http/accept.h"
#include "http/front.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;

/* What handlers read; all of it lives as long as the exchange, but the body only until
 * exchange_wait. */
const char *exchange_request_id(const struct exchange *exchange);
/* The raw target before and behind its first '?', nothing decoded. */
struct slice exchange_path(const struct exchange *exchange);
struct slice exchange_query(const struct exchange *exchange);
struct slice exchange_body(const struct exchange *exchange);
const struct front_setup *exchange_setup(const struct exchange *exchange);
/* exchange_config: that which was in use when its head was complete, for its whole life.
 * exchange_setup's may be another one by now. */
const struct config *exchange_config(const struct exchange *exchange);
/* exchange_caller: who asks; set before a handler runs. exchange_terms: what it may; held
 * by the exchange, so a job that may outlive it holds terms->snapshot too. */
struct caller *exchange_caller(const struct exchange *exchange);
const struct terms *exchange_terms(const struct exchange *exchange);
/* exchange_arrived_us: clock_now_us when the request was complete. */
uint64_t exchange_arrived_us(const struct exchange *exchange);
/* exchange_accept: which form of a batch's reply its Accept headers ask for. */
struct accept_choice exchange_accept(const struct exchange *exchange);
/* exchange_has_header: there is a header line `name`. */
bool exchange_has_header(const struct exchange *exchange, const char *name);
/* exchange_headers: how many header lines `name` there are; *ret_value is the first one's
 * if there is any. */
size_t exchange_headers(const struct exchange *exchange, const char *name,
                        struct slice *ret_value);
/* exchange_header_lines: likewise; lines[] takes the first `cap` values. */
size_t exchange_header_lines(const struct exchange *exchange, const char *name,
                             struct slice *lines, size_t cap);
/* exchange_has_trace: there is a header line traceparent. */
bool exchange_has_trace(const struct exchange *exchange);
/* exchange_method: of its route. exchange_is_tls: it came over TLS. */
const char *exchange_method(const struct exchange *exchange);
bool exchange_is_tls(const struct exchange *exchange);
/* exchange_is_head: the head of the reply is all that will be sent. */
bool exchange_is_head(const struct exchange *exchange);
/* exchange_is_local: it came through a listener that only this machine reaches. */
bool exchange_is_local(const struct exchange *exchange);
/* exchange_client_address writes the client's address, without its port, as text ("unix"
 * for a unix socket). */
enum { EXCHANGE_ADDRESS_SIZE = 64 };
void exchange_client_address(const struct exchange *exchange,
                             char text[EXCHANGE_ADDRESS_SIZE]);

extern const char exchange_overload_detail[]; /* work waits too long */
extern const char exchange_no_room_detail[];  /* memory.request_budget is full */

enum { REPLY_HEADERS_MAX = 8 };

/* The head of a reply. Every reply also carries X-Request-Id, Cache-Control and
 * X-Content-Type-Options: nosniff. */
struct reply {
    int status;
    const char *content_type;
    const char *extra_names[REPLY_HEADERS_MAX]; /* further headers, NULL-terminated */
    const char *extra_values[REPLY_HEADERS_MAX];
    const char *cache_control; /* NULL: no-store */
    bool close;                /* close the connection after it */
};

/* Each of these answers the exchange; exactly one of them, exactly once. They may be
 * called inside a handler or later from the loop; afterwards the exchange must not be
 * touched. `text` is taken over (free()); the bytes of a static reply live for ever. */
void exchange_reply_text(struct exchange *exchange, const struct reply *reply, char *text,
                         size_t len);
void exchange_reply_static(struct exchange *exchange, const struct reply *reply,
                           struct slice text);

struct gather_piece;
/* The memory of each of 1 to GATHER_PIECES_MAX pieces is taken over; the array stays the
 * caller's. `reply_bytes` go back to the budget when the memory is freed. */
void exchange_reply_pieces(struct exchange *exchange, const struct reply *reply,
                           const struct gather_piece *pieces, size_t count,
                           uint64_t reply_bytes);

/* Who waits for the answer. `on_gone`: the client went away first; drop the work, the
 * exchange must not be answered, nor touched once it returned. `on_drain`: the process
 * ends; answer now with what is there. */
struct exchange_waiter {
    void (*on_gone)(void *work);
    void (*on_drain)(void *work);
    void *work;
};

/* exchange_take_body hands over the body and what it is charged with in
 * budgets->request_bytes: the caller frees the one and gives back the other. */
void exchange_take_body(struct exchange *exchange, struct buffer *ret_body,
                        uint64_t *ret_charged);

/* exchange_wait is for handlers that answer later, from the loop. Neither function of
 * `waiter` is called after the answer, nor from inside exchange_wait. Called again while
 * waiting, it changes who waits. */
void exchange_wait(struct exchange *exchange, const struct exchange_waiter *waiter);
