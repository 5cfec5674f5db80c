/* SPDX-License-Identifier: Apache-2.0 */
/* A call under way: its name being resolved, its attempt in a lane, its redirects.
 * Pooled; a flight outlives its call when the call is cancelled or times out, until the
 * transfer has really left its lane. All functions: the fetcher's own thread, outside of
 * libcurl.
 *
 *     dispatched ─► resolving ─► in a lane ─► ended ─► delivered
 *          ▲            │           │  ▲                   │
 *          │            └► ready ───┘  │ next address      ▼
 *          └── waiting for a slot ◄────┘ redirect      (removed)
 */
#pragma once

#include "base/attributes.h"
#include "base/list.h"
#include "fetch/call.h"
#include "fetch/circuits.h"
#include "fetch/clocks.h"
#include "fetch/flow.h"
#include "fetch/pin.h"
#include "fetch/resolver.h"
#include "trace/trace.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetcher;
struct origin;
struct transfer;

union flight_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* Of flight_span.c, where the call's trace is recorded: the span of the request under
 * way, or else of the last one. */
struct flight_span {
    bool is_open;
    unsigned sent; /* spans closed */
    char id[SPAN_ID_LEN];
    char trace_id[TRACE_ID_LEN]; /* of the last one that was closed */
    uint64_t start_us;
    struct call_timing before; /* the sums when it began */
};

struct flight {
    struct list node;
    struct list all_node;
    struct fetcher *fetcher;
    struct call *call; /* NULL: cancelled, or delivered */
    struct transfer *transfer;
    struct origin *slot;  /* the origin whose slot it holds, NULL: none */
    struct caller *payer; /* then: in whose `in_flight` it has a place */
    uint64_t slot_us;     /* … since when, loop clock */
    bool is_tallied;      /* … and the origin's tally has what became of it */
    bool has_place;       /* in the in-flight budget */
    bool has_ended;       /* `code` is final */
    bool is_noted;        /* its outcome was counted */

    struct resolver_question question;
    bool is_asking;
    uint64_t asked_us;
    union flight_address addresses[RESOLVER_ADDRESSES_MAX];
    size_t address_count;
    size_t address_next;
    uint64_t address_until_ms; /* then the next one is tried; 0: no limit of its own */

    struct clock_limits limits;
    struct clock_marks marks;
    bool is_impatient;         /* ran out of a clock its item had lowered */
    struct circuits *circuits; /* `pass` is of these */
    struct circuit_pass pass;

    /* The request as redirects made it. */
    enum call_method method;
    bool drops_body;
    unsigned hops;
    bool is_redialled;           /* once, on a new connection */
    char *url;                   /* NULL: the call's */
    struct call_header *headers; /* NULL: the call's */
    size_t header_count;

    struct flight_span span;
    struct call_timing timing; /* sums over attempts */
    enum call_code code;
    const char *message;
    char text[96]; /* for `message` */
};

/* flight_take gives a call its flight, from the pool; flight_drop takes all back. */
struct flight *flight_take(struct fetcher *fetcher, struct call *call);
void flight_drop(struct flight *flight);

/* flight_begin starts the (next) request of a call that just got its slot. */
void flight_begin(struct flight *flight);
/* flight_go_on starts the attempt of a flight from the ready list. */
void flight_go_on(struct flight *flight);
/* flight_attempt_done takes libcurl's result for its transfer, which has left its lane */
void flight_attempt_done(struct flight *flight, int result);
/* flight_end sets the outcome; on_done follows in the turn. `message` constant or in
 * `text`. */
void flight_end(struct flight *flight, enum call_code code, const char *message);
/* flight_deliver calls on_done and disposes of the flight. True: of a shared call, with
 * others waiting for its outcome: the flight, in no list, is to be delivered again. */
bool flight_deliver(struct flight *flight) MUST_CHECK;
/* flight_abandon: the call is gone; the flight goes as soon as it can. */
void flight_abandon(struct flight *flight);

/* flight_on_due is the call's timer. */
void flight_on_due(struct timer *timer);
/* flight_release gives slot and place in the budget back. */
void flight_release(struct flight *flight);

/* Between flight*.c. flight_take_transfer makes flight->transfer, NULL when libcurl has
 * no memory; flight_give_transfer takes it back into the pool. flight_tally: what the
 * live document says of its origin, once a slot. */
struct transfer *flight_take_transfer(struct flight *flight);
void flight_give_transfer(struct flight *flight);
void flight_tally(struct flight *flight, enum call_code code);
bool flight_follow(struct flight *flight);
void flight_arm(struct flight *flight);
void flight_note_times(struct flight *flight);

/* Of flight_span.c; for calls whose trace is recorded (flight_is_recorded).
 * flight_span_open: a request begins; nothing, if one has begun. flight_span_close: it
 * has ended, by itself or because its call did; `message` may be NULL. */
static inline bool flight_is_recorded(const struct flight *flight)
{
    const struct trace *trace = flight->call->flow->trace;
    return trace && trace->is_recorded;
}
void flight_span_open(struct flight *flight);
void flight_span_close(struct flight *flight, enum call_code code, const char *message);

/* flight_span_is_in: the last span of `flight` was recorded in the trace of `flow`. One
 * that shared it may have left in the meantime. */
bool flight_span_is_in(const struct flight *flight, const struct flow *flow);
/* flight_span_join: `call` shared the one of `flight`: if its trace is recorded, it has a
 * span of its own that leads to the attempt's. ret_id: of that span, or "". */
void flight_span_join(const struct flight *flight, const struct call *call,
                      char ret_id[SPAN_ID_LEN]);

/* Of flight_circuit.c. flight_circuit_enter: false when the circuit of its origin is
 * open: the flight has ended. flight_circuit_note tells it how the attempt there went,
 * flight_circuit_leave that nobody will. */
bool flight_circuit_enter(struct flight *flight);
void flight_circuit_note(struct flight *flight, enum call_code code);
void flight_circuit_leave(struct flight *flight);
