/* SPDX-License-Identifier: Apache-2.0 */
/* Whose call is started next. Fair over callers, then over a caller's flows (batches),
 * then over the origins a flow's calls go to; and, where an origin has no free slot, over
 * the callers and flows that wait for one.
 *
 * The promise: a call that is its flow's only one waits for at most one call of each
 * other flow of its caller for each round over the callers, however many calls those
 * flows have, once its origin has a slot and its caller a place for it. Nothing here
 * scans: every function costs the same however much waits, and nothing is allocated for a
 * flow whose calls go to one origin.
 *
 * Pure: no curl, no clock, no loop. One per worker. */
#pragma once

#include "base/list.h"
#include "fetch/call.h"
#include "fetch/flow.h"
#include "fetch/pointer_map.h"
#include "fetch/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The pairs of one caller that wait for a slot of one origin; as long as there are any.
 */
struct claim {
    struct pointer_link link; /* in schedule.claims; not the gate's first */
    struct gate *gate;        /* NULL: not in use */
    struct turn *turn;
    struct list pairs;
    struct list node;     /* in gate.claims */
    struct list all_node; /* in schedule.parked */
};

/* An origin's slots, and who waits for them. Embedded in the origin. */
struct gate {
    struct window window;    /* how many slots there are just now */
    struct list narrow_node; /* in schedule.narrow */
    unsigned running;        /* slots taken */
    unsigned granted;        /* slots kept for pairs that were waiting */
    size_t waiting;          /* calls, parked or not */
    struct list claims;      /* a slot that comes free goes round over these */
    struct claim first;      /* all that is needed while one caller waits */
    size_t more;             /* claims besides the first */
};

struct schedule {
    struct window_range range; /* of the slots of each gate */
    size_t waiting;            /* calls */
    struct list round;         /* turns with something to try */
    struct list blocked;       /* turns whose caller has no place left */
    struct list turns;         /* all */
    struct list parked;        /* all claims */
    struct list narrow;        /* gates that calls wait for and that could be wider */
    uint64_t idle_us;          /* of the worker (window.h) */
    struct turn *recent;
    uint64_t gaps_us; /* between two turns of a flow: the sum of the last SCHEDULE_GAPS,
                         decaying */
    struct pointer_map turn_map; /* by caller */
    struct pointer_map pairs;    /* by flow and gate */
    struct pointer_map claims;   /* by gate and turn */
    struct list spare_pairs;
    struct list spare_claims;
    size_t spare_count; /* of both */
};

/* schedule_init: each gate lets `slots` calls run at once, or as many as keep the worker
 * busy (window.h). schedule_done expects that nothing waits. */
void schedule_init(struct schedule *schedule, unsigned slots);
/* schedule_set_slots: likewise, from now on; gates that had a window of their own above
 * it lose that by schedule_narrow. */
void schedule_set_slots(struct schedule *schedule, unsigned slots);
void schedule_narrow(const struct schedule *schedule, struct gate *gate);
void schedule_done(struct schedule *schedule);

void gate_init(struct gate *gate);

/* schedule_wait: `call` (its `flow` is set) waits for its turn at `gate`, behind the
 * flow's other calls for that gate. schedule_wait_first: before them, and before the
 * flow's other origins: for a call that goes on. `now_us`: any clock, the same in all
 * functions. */
void schedule_wait(struct schedule *schedule, struct gate *gate, struct call *call,
                   uint64_t now_us);
void schedule_wait_first(struct schedule *schedule, struct gate *gate, struct call *call,
                         uint64_t now_us);
/* schedule_leave takes a waiting call out; its flow may be gone thereafter. */
void schedule_leave(struct schedule *schedule, struct call *call, uint64_t now_us);

/* schedule_has_next: schedule_next is worth calling. */
bool schedule_has_next(const struct schedule *schedule);

/* schedule_peek_long: where the next calls of the flow whose turn it is wait, if `least`
 * of its calls do; NULL when fewer do, or all slots that there could be are taken there.
 * schedule_leave may take them out. */
struct pair *schedule_peek_long(const struct schedule *schedule, size_t least);

/* schedule_next hands out the next call, and takes a slot of its gate and a place of its
 * caller's `in_flight` for it; NULL: none can start. */
struct call *schedule_next(struct schedule *schedule, uint64_t now_us);

/* How long everything here waits for its turn; zeros when nothing could start. Waiting
 * for a slot or for a caller's place is not in it. */
struct schedule_delay {
    uint64_t oldest_us; /* since the one that is next had its last turn, or came */
    uint64_t round_us;  /* from one turn of a flow to its next, on average */
};
struct schedule_delay schedule_delay(const struct schedule *schedule, uint64_t now_us);

/* schedule_release gives the slot and the place of a call back. */
void schedule_release(struct schedule *schedule, struct gate *gate, struct caller *caller,
                      uint64_t now_us);

/* schedule_has_blocked: some caller has calls here that wait for room among its calls in
 * flight. When those run on other workers nobody tells; schedule_retry, now and then,
 * finds out. */
bool schedule_has_blocked(const struct schedule *schedule);
void schedule_retry(struct schedule *schedule, uint64_t now_us);

/* schedule_note_idle, once a turn: for how long the worker has slept, ever. */
static inline void schedule_note_idle(struct schedule *schedule, uint64_t idle_us)
{
    schedule->idle_us = idle_us;
}

/* schedule_has_narrow: calls wait for slots that there could be. schedule_widen, every
 * millisecond, lets them have more where the worker slept meanwhile. */
bool schedule_has_narrow(const struct schedule *schedule);
void schedule_widen(struct schedule *schedule, uint64_t now_us);

/* schedule_drain takes out any waiting call, NULL: none is left. */
struct call *schedule_drain(struct schedule *schedule);
