/* SPDX-License-Identifier: Apache-2.0 */
/* The fetcher's inside, for fetcher*.c and flight*.c only. */
#pragma once

#include "base/list.h"
#include "fetch/circuits.h"
#include "fetch/fetcher.h"
#include "fetch/flight.h"
#include "fetch/flow.h"
#include "fetch/guard.h"
#include "fetch/handover.h"
#include "fetch/lane.h"
#include "fetch/origin.h"
#include "fetch/reply_head.h"
#include "fetch/resolver.h"
#include "fetch/span_export.h"
#include "fetch/taint.h"
#include "fetch/transfer.h"
#include "fetch/transport.h"

struct fetch_shared {
    struct callers *callers;
    struct snapshot *first;
    struct taints *taints;
    struct handovers *handovers;
};

struct fetcher {
    struct fetcher_setup setup;
    struct snapshot *snapshot;   /* the current one, held */
    struct transport *transport; /* of it */
    struct list old_transports;  /* with attempts under way */
    struct origins *origins;
    struct schedule *schedule; /* the origins' */
    struct resolver *resolver;

    /* Where a flight is, by its `node`. */
    struct list ready;     /* to be begun: resolved, redirected */
    struct list ended;     /* code is set, on_done to be called */
    struct list cancelled; /* nobody waits: to be taken out of its lane */
    struct list active;    /* all of them, by `all_node` */
    size_t dispatched;     /* calls that hold a place in the in-flight budget */

    uint64_t uncounted;  /* requests the retry budget has not been told of */
    uint64_t counted_ms; /* when it was told last */

    struct list spare_flights;
    size_t spare_flight_count;
    struct list spare_transfers;
    size_t spare_transfer_count;

    /* Short of sockets, or of room in the process's in-flight budget: wait until the
     * timer. */
    bool is_stalled;
    bool is_short_of_sockets;
    uint64_t backoff_ms;
    struct timer stall_timer;
    struct timer widen_timer; /* while calls wait for slots there could be */
    struct timer retry_timer; /* while some caller is blocked */

    struct span_export *span_export; /* NULL: no trace is recorded */
    struct coalescer *coalescer;     /* of coalesce.c; NULL: nothing was shared yet */
    struct handover *handover;       /* of handover.c */

    /* Of flight_circuit.c. */
    uint64_t openings_seen;     /* of circuits_openings */
    bool is_refusing;           /* more calls to be refused in the next turn */
    struct timer circuit_timer; /* while calls wait for slots, and breakers are on */

    struct call_header headers[REPLY_HEAD_LINES_MAX]; /* of the outcome being delivered */
};

/* fetcher_config: that of a call, which stays the same for its whole life. */
static inline const struct config *fetcher_config(const struct call *call)
{
    return call->flow->terms->snapshot->config;
}

/* fetcher_call_is_over: its owner is about to cancel it, so nothing of it is sent. A
 * shared call goes on: calls of other flows may wait for it, or join it yet, and it is
 * cancelled with the last of them. */
static inline bool fetcher_call_is_over(const struct call *call)
{
    return flow_is_over(call->flow) && !call->is_shared;
}

/* Of fetcher_adopt.c. fetcher_sweep_old frees the transports whose last attempt has
 * ended; fetcher_has_old_work: one of them wants to be run. */
struct transport *fetcher_make_transport(struct fetcher *fetcher);
void fetcher_sweep_old(struct fetcher *fetcher);
bool fetcher_has_old_work(const struct fetcher *fetcher);

/* Of fetcher_start.c. fetcher_forget_call: the fetcher knows the call no more; its
 * flight, if it has one, goes its own way. */
void fetcher_forget_call(struct fetcher *fetcher, struct call *call);
/* fetcher_start_again is fetcher_start for a call that waited in another worker's queue
 * since call->queued_us: a guest, or one that comes back, which goes before the others of
 * its flow. Its count and what the egress policy notes were made there. */
void fetcher_start_again(struct fetcher *fetcher, struct call *call);
/* fetcher_requeue puts a dispatched call that was never sent back to the front of its
 * queue. */
void fetcher_requeue(struct fetcher *fetcher, struct call *call);

/* Of fetcher_dispatch.c. fetcher_dispatch_init, fetcher_dispatch_done: its timers.
 * fetcher_dispatch_slice begins some flights that are ready and some calls from their
 * queues; fetcher_may_dispatch: there is one. */
void fetcher_dispatch_init(struct fetcher *fetcher);
void fetcher_dispatch_done(struct fetcher *fetcher);
void fetcher_dispatch_slice(struct fetcher *fetcher);
bool fetcher_may_dispatch(const struct fetcher *fetcher);
/* fetcher_stall stops dispatching for a moment, longer each time in a row. */
void fetcher_stall(struct fetcher *fetcher);
/* fetcher_note_shortage: a socket was refused; closes idle ones here, asks others to. */
void fetcher_note_shortage(struct fetcher *fetcher);
/* fetcher_note_progress: an attempt has ended: room in the budget, perhaps proof that
 * sockets are to be had. fetcher_count_requests tells the retry budget what was begun. */
void fetcher_note_progress(struct fetcher *fetcher, const struct transfer *transfer);
void fetcher_count_requests(struct fetcher *fetcher);

/* Of flight_circuit.c, all no-ops while breakers are off. fetcher_circuit_admits: false
 * when the circuit of `origin` is open: the call, which waits for nothing, has been
 * refused. fetcher_circuits_opened refuses the calls that wait for slots of origins whose
 * circuit has opened, some per turn; true: there are more. */
bool fetcher_circuit_admits(struct fetcher *fetcher, struct call *call,
                            struct origin *origin);
bool fetcher_circuits_opened(struct fetcher *fetcher);
