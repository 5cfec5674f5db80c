/* SPDX-License-Identifier: Apache-2.0 */
/* What waits, seen without taking anything. */
#include "fetch/schedule.h"

#include "fetch/schedule_parts.h"

struct schedule_delay schedule_delay(const struct schedule *schedule, uint64_t now_us)
{
    struct list *node = list_first(&schedule->round);
    if (!node)
        return (struct schedule_delay){0};
    const struct turn *turn = container_of(node, struct turn, node);
    const struct flow *flow = container_of(list_first(&turn->flows), struct flow, node);
    uint64_t since_us = schedule_runnable_since_us(flow);
    return (struct schedule_delay){
        .oldest_us = now_us > since_us ? now_us - since_us : 0,
        .round_us = schedule->gaps_us / SCHEDULE_GAPS,
    };
}

/* Of those parked where the window is narrow, the next to be granted a slot. */
static struct pair *first_parked(const struct schedule *schedule)
{
    struct list *node = list_first(&schedule->narrow);
    if (!node)
        return NULL;
    const struct gate *gate = container_of(node, struct gate, narrow_node);
    node = list_first(&gate->claims);
    if (!node)
        return NULL; /* what waits there has been granted a slot */
    const struct claim *claim = container_of(node, struct claim, node);
    return container_of(list_first(&claim->pairs), struct pair, node);
}

static struct pair *first_in_round(const struct schedule *schedule)
{
    struct list *node = list_first(&schedule->round);
    if (!node)
        return NULL;
    const struct turn *turn = container_of(node, struct turn, node);
    const struct flow *flow = container_of(list_first(&turn->flows), struct flow, node);
    node = list_first(&flow->round);
    struct pair *pair = node ? container_of(node, struct pair, node) : NULL;
    bool has_slot = pair && (!schedule_is_full(schedule, pair->gate) ||
                             schedule_is_narrow(schedule, pair->gate));
    return has_slot ? pair : NULL;
}

struct pair *schedule_peek_long(const struct schedule *schedule, size_t least)
{
    struct pair *pair = first_in_round(schedule);
    if (!pair)
        pair = first_parked(schedule);
    return pair && pair->flow->waiting >= least ? pair : NULL;
}
