/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule's inside, for schedule.c and schedule_peek.c only: its turns, pairs and
 * claims are found, made and given back. Who hangs where is schedule.c's. */
#pragma once

#include "fetch/schedule.h"

/* A caller at this worker. Made when its first call comes, kept: there are no more than
 * names of keys. */
struct turn {
    struct pointer_link link;
    struct caller *caller;
    struct list node; /* in schedule.round or .blocked */
    struct list all_node;
    struct list flows;  /* those with a pair in their round */
    struct list grants; /* pairs of all its flows that a slot is kept for */
    bool is_blocked;
    uint64_t free_us; /* when it was last let out of `blocked` */
};

/* schedule_find_turn: NULL when the caller has none; schedule_get_turn then makes one. */
struct turn *schedule_find_turn(struct schedule *schedule, const struct caller *caller);
struct turn *schedule_get_turn(struct schedule *schedule, struct caller *caller);

/* schedule_find_pair: NULL when none of the flow's calls waits for `gate`; then
 * schedule_make_pair makes one that hangs nowhere. schedule_free_pair takes one back that
 * has no calls and hangs nowhere. */
struct pair *schedule_find_pair(struct schedule *schedule, struct flow *flow,
                                const struct gate *gate);
struct pair *schedule_make_pair(struct schedule *schedule, struct flow *flow,
                                struct gate *gate);
void schedule_free_pair(struct schedule *schedule, struct pair *pair);

/* schedule_get_claim finds or makes one, which is then the gate's last;
 * schedule_free_claim takes one out of the gate that has no pairs left. */
struct claim *schedule_get_claim(struct schedule *schedule, struct gate *gate,
                                 struct turn *turn);
void schedule_free_claim(struct schedule *schedule, struct claim *claim);

enum { SCHEDULE_GAPS = 64 }; /* in schedule.gaps_us: as many calls as a turn starts */

static inline uint64_t schedule_runnable_since_us(const struct flow *flow)
{
    uint64_t free_us = flow->turn->free_us;
    return flow->runnable_us > free_us ? flow->runnable_us : free_us;
}

static inline bool schedule_is_full(const struct schedule *schedule,
                                    const struct gate *gate)
{
    return gate->running + gate->granted >= window_size(&gate->window, &schedule->range);
}

/* schedule_is_narrow: the gate has fewer slots than there could be. */
static inline bool schedule_is_narrow(const struct schedule *schedule,
                                      const struct gate *gate)
{
    return window_size(&gate->window, &schedule->range) < schedule->range.most;
}
