/* SPDX-License-Identifier: Apache-2.0 */
/* Each part is embedded where the first one of its kind is needed, and found there before
 * any map is asked: batches with one origin and gates with one caller, nearly all, never
 * touch a map or the heap. */
#include "fetch/schedule_parts.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

/* Pairs and claims kept for reuse, together: 200 KB at most. */
enum { SPARES_MAX = 1024 };

static struct window_range range_of(unsigned slots)
{
    return (struct window_range){.least = slots < WINDOW_LEAST ? slots : WINDOW_LEAST,
                                 .most = slots};
}

void schedule_set_slots(struct schedule *schedule, unsigned slots)
{
    schedule->range = range_of(slots);
}

void schedule_narrow(const struct schedule *schedule, struct gate *gate)
{
    if (gate->window.size >= schedule->range.most)
        gate->window.size = 0; /* all there are */
}

void schedule_init(struct schedule *schedule, unsigned slots)
{
    *schedule = (struct schedule){.range = range_of(slots)};
    list_init(&schedule->round);
    list_init(&schedule->blocked);
    list_init(&schedule->turns);
    list_init(&schedule->parked);
    list_init(&schedule->narrow);
    list_init(&schedule->spare_pairs);
    list_init(&schedule->spare_claims);
}

void schedule_done(struct schedule *schedule)
{
    struct list *node;
    assert(schedule->waiting == 0);
    while ((node = list_pop_front(&schedule->turns)) != NULL)
        free(container_of(node, struct turn, all_node));
    while ((node = list_pop_front(&schedule->spare_pairs)) != NULL)
        free(container_of(node, struct pair, node));
    while ((node = list_pop_front(&schedule->spare_claims)) != NULL)
        free(container_of(node, struct claim, node));
    pointer_map_done(&schedule->turn_map);
    pointer_map_done(&schedule->pairs);
    pointer_map_done(&schedule->claims);
}

void gate_init(struct gate *gate)
{
    *gate = (struct gate){0};
    list_init(&gate->claims);
}

struct turn *schedule_find_turn(struct schedule *schedule, const struct caller *caller)
{
    if (schedule->recent && schedule->recent->caller == caller)
        return schedule->recent;
    struct pointer_link *link = pointer_map_find(&schedule->turn_map, caller, NULL);
    if (link)
        schedule->recent = container_of(link, struct turn, link);
    return link ? schedule->recent : NULL;
}

struct turn *schedule_get_turn(struct schedule *schedule, struct caller *caller)
{
    struct turn *turn = schedule_find_turn(schedule, caller);
    if (turn)
        return turn;
    turn = memory_new(sizeof *turn);
    turn->caller = caller;
    list_init(&turn->flows);
    list_init(&turn->grants);
    list_push_back(&schedule->turns, &turn->all_node);
    pointer_map_add(&schedule->turn_map, &turn->link, caller, NULL);
    schedule->recent = turn;
    return turn;
}

struct pair *schedule_find_pair(struct schedule *schedule, struct flow *flow,
                                const struct gate *gate)
{
    if (flow->first.gate == gate)
        return &flow->first;
    if (flow->recent && flow->recent->gate == gate)
        return flow->recent;
    if (flow->more == 0)
        return NULL;
    struct pointer_link *link = pointer_map_find(&schedule->pairs, flow, gate);
    if (link)
        flow->recent = container_of(link, struct pair, link);
    return link ? flow->recent : NULL;
}

struct pair *schedule_make_pair(struct schedule *schedule, struct flow *flow,
                                struct gate *gate)
{
    struct pair *pair = &flow->first;
    if (pair->gate) {
        struct list *node = list_pop_front(&schedule->spare_pairs);
        schedule->spare_count -= node != NULL;
        pair = node ? container_of(node, struct pair, node) : memory_new(sizeof *pair);
        pointer_map_add(&schedule->pairs, &pair->link, flow, gate);
        flow->recent = pair;
        flow->more++;
    }
    pair->flow = flow;
    pair->gate = gate;
    list_init(&pair->calls);
    return pair;
}

/* Its calls are gone, and it hangs nowhere. */
void schedule_free_pair(struct schedule *schedule, struct pair *pair)
{
    struct flow *flow = pair->flow;
    pair->gate = NULL;
    if (pair == &flow->first)
        return;
    if (flow->recent == pair)
        flow->recent = NULL;
    flow->more--;
    pointer_map_remove(&schedule->pairs, &pair->link);
    if (schedule->spare_count >= SPARES_MAX) {
        free(pair);
        return;
    }
    list_push_front(&schedule->spare_pairs, &pair->node);
    schedule->spare_count++;
}

struct claim *schedule_get_claim(struct schedule *schedule, struct gate *gate,
                                 struct turn *turn)
{
    struct claim *claim = &gate->first;
    if (claim->gate && claim->turn == turn)
        return claim;
    struct pointer_link *link =
        gate->more > 0 ? pointer_map_find(&schedule->claims, gate, turn) : NULL;
    if (link)
        return container_of(link, struct claim, link);
    if (claim->gate) {
        struct list *node = list_pop_front(&schedule->spare_claims);
        schedule->spare_count -= node != NULL;
        claim = node ? container_of(node, struct claim, node) : memory_new(sizeof *claim);
        pointer_map_add(&schedule->claims, &claim->link, gate, turn);
        gate->more++;
    }
    claim->gate = gate;
    claim->turn = turn;
    list_init(&claim->pairs);
    list_push_back(&gate->claims, &claim->node);
    list_push_back(&schedule->parked, &claim->all_node);
    return claim;
}

/* Its pairs are gone. */
void schedule_free_claim(struct schedule *schedule, struct claim *claim)
{
    struct gate *gate = claim->gate;
    list_remove(&claim->node);
    list_remove(&claim->all_node);
    claim->gate = NULL;
    if (claim == &gate->first)
        return;
    gate->more--;
    pointer_map_remove(&schedule->claims, &claim->link);
    if (schedule->spare_count >= SPARES_MAX) {
        free(claim);
        return;
    }
    list_push_front(&schedule->spare_claims, &claim->node);
    schedule->spare_count++;
}
