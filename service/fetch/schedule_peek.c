/* SPDX-License-Identifier: Apache-2.0 */
/* What waits, seen without taking anything. */
#include "fetch/schedule.h"

#include "fetch/schedule_parts.h"

enum { PEEK_GATES = 8 };

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

/* Of those parked where the window is narrow, the next to be granted a slot; NULL: what
 * waits there has been granted one. */
static struct pair *parked_at(const struct gate *gate)
{
    struct list *node = list_first(&gate->claims);
    if (!node)
        return NULL;
    const struct claim *claim = container_of(node, struct claim, node);
    return container_of(list_first(&claim->pairs), struct pair, node);
}

/* At one of the first gates: what goes is the least of what could. */
static struct pair *first_parked(const struct schedule *schedule, size_t least)
{
    size_t left = PEEK_GATES;
    for (struct list *node = schedule->narrow.next; node != &schedule->narrow && left > 0;
         node = node->next, left--) {
        const struct gate *gate = container_of(node, struct gate, narrow_node);
        struct pair *pair = schedule_is_narrow(schedule, gate) ? parked_at(gate) : NULL;
        if (pair && pair->flow->waiting >= least)
            return pair;
    }
    return NULL;
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
        return first_parked(schedule, least);
    return pair->flow->waiting >= least ? pair : NULL;
}
