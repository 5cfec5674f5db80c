/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that belong together, as the fetcher sees a batch: whose they are, and who
 * shares fairly with whom (schedule.h). Owned by whoever owns the calls, and valid while
 * one of them is started; its worker's thread only. */
#pragma once

#include "base/list.h"
#include "fetch/caller.h"
#include "fetch/snapshot.h"
#include "fetch/pointer_map.h"
#include "trace/trace.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct gate;
struct claim;
struct turn;

/* The calls of one flow that wait for one origin; there is one as long as some do. */
struct pair {
    struct pointer_link link; /* in schedule.pairs; not the flow's first */
    struct flow *flow;
    struct gate *gate;      /* NULL: not in use */
    struct claim *claim;    /* where it waits for a slot; NULL: in its flow's round */
    struct list calls;      /* struct call.node */
    struct list node;       /* in flow.round, flow.granted or claim.pairs */
    bool is_granted;        /* a slot is kept for it */
    struct list grant_node; /* then: in turn.grants */
};

/* Zero everything but `caller`, `terms`, `request_id` and `trace`: the rest is the
 * fetcher's. */
struct flow {
    struct caller *caller;
    const struct terms *terms; /* the caller's; held by the flow's owner */
    const char *request_id;    /* for lines of the log; NULL: has none */
    const struct trace *trace; /* NULL: its requests belong to none */
    atomic_bool is_over; /* by fetcher_end_flow; of calls here for another worker, this is
                            set by that one */

    /* Of schedule.c. */
    struct turn *turn;    /* of its caller; NULL: none of its calls waits */
    size_t waiting;       /* calls */
    struct list node;     /* in turn.flows: a pair is in its round */
    struct list round;    /* pairs, to be tried in this order */
    struct list granted;  /* pairs a slot is kept for */
    bool was_granted;     /* the last call came from a granted pair */
    struct pair first;    /* all that most flows ever need */
    struct pair *recent;  /* the pair found last, if not the first one */
    size_t more;          /* pairs besides the first */
    uint64_t runnable_us; /* when it last had its turn, or came into the round */
};

/* Relaxed: it says that nothing more shall be sent, and nothing about memory. */
static inline bool flow_is_over(const struct flow *flow)
{
    return atomic_load_explicit(&flow->is_over, memory_order_relaxed);
}

static inline void flow_set_over(struct flow *flow)
{
    atomic_store_explicit(&flow->is_over, true, memory_order_relaxed);
}
