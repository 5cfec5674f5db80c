/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds within rounds. What can be tried hangs below the schedule's round, what waits
 * for a slot hangs at its gate:
 *
 *     round ─► turn (a caller) ─► flow (a batch) ─► pair (flow, origin) ─► call, call …
 *                                                     │        ▲
 *                                    no slot: parked  ▼        │ granted a slot
 *     gate (an origin) ─► claim (a caller's) ─────► pair, pair …
 *     blocked ─► turns whose caller has all its calls in flight
 *
 * One call is taken from the first of the first of the first, and each of the three goes
 * to the end of its round. That is deficit round-robin (Shreedhar and Varghese 1995) with
 * a quantum of one call: all calls cost the same, so no deficit is ever left to carry.
 * A larger quantum would save a few list operations a call, some 20 ns of the 30 µs that
 * a call costs, and make everybody's wait longer by its size.
 *
 * A pair stands in its flow's round until it is tried and its gate is full; then it parks
 * there; at a crowded gate it parks again as soon as it has given a call. So there is no
 * scan: each parking is paid by the pair's making or by the call it gave before. A slot
 * that comes free is kept for the next pair parked, which goes to its flow's `granted`
 * list. A flow takes from the two lists in turn, so that neither fast origins starve the
 * flow's others nor kept slots stay idle for a whole round. So while anybody is parked,
 * every slot is taken or kept, and nobody overtakes.
 *
 * A caller without a place must not keep others' slots idle: when it is blocked, its
 * grants go to the next, and a pair of its that would be granted a slot goes back into
 * its flow's round instead, to try its luck when the caller has room.
 *
 * Why not the earliest deadline first among a caller's flows? It is for work that all
 * fits. When it does not, it runs what is about to fail and fails what could have been
 * done, and a client that asks for short deadlines would overtake one that is patient.
 * Rounds end small batches early, whatever their deadlines say; what is past its deadline
 * is dropped unsent by whoever takes it from here. */
#include "fetch/schedule.h"

#include "fetch/schedule_parts.h"

#include <assert.h>

enum { WIDEN_SLICE = 256 };

/* ------------------------------------------------------------- in the round, or parked
 */

/* A pair has come into one of the flow's two lists. */
static void open_flow(struct schedule *schedule, struct flow *flow, uint64_t now_us)
{
    struct turn *turn = flow->turn;
    if (!list_is_linked(&flow->node)) {
        flow->runnable_us = now_us;
        list_push_back(&turn->flows, &flow->node);
    }
    if (!list_is_linked(&turn->node))
        list_push_back(&schedule->round, &turn->node);
}

static bool is_runnable(const struct flow *flow)
{
    return !list_is_empty(&flow->round) || !list_is_empty(&flow->granted);
}

/* A pair has left one of the flow's two lists. */
static void close_flow(struct flow *flow)
{
    struct turn *turn = flow->turn;
    if (is_runnable(flow))
        return;
    list_remove(&flow->node);
    if (!list_is_empty(&turn->flows))
        return;
    list_remove(&turn->node);
    turn->is_blocked = false;
}

static struct window_clock window_clock(const struct schedule *schedule, uint64_t now_us)
{
    return (struct window_clock){.now_us = now_us, .idle_us = schedule->idle_us};
}

/* Calls wait for slots that there could be. */
static void watch_gate(struct schedule *schedule, struct gate *gate, uint64_t now_us)
{
    if (!schedule_is_narrow(schedule, gate) || list_is_linked(&gate->narrow_node))
        return;
    list_push_back(&schedule->narrow, &gate->narrow_node);
    window_wait(&gate->window, window_clock(schedule, now_us));
}

static void park(struct schedule *schedule, struct pair *pair, uint64_t now_us)
{
    struct gate *gate = pair->gate;
    watch_gate(schedule, gate, now_us);
    pair->claim = schedule_get_claim(schedule, gate, pair->flow->turn);
    list_push_back(&pair->claim->pairs, &pair->node);
}

static void unpark(struct schedule *schedule, struct pair *pair)
{
    struct claim *claim = pair->claim;
    list_remove(&pair->node);
    pair->claim = NULL;
    if (list_is_empty(&claim->pairs))
        schedule_free_claim(schedule, claim);
}

static void revoke(struct pair *pair)
{
    pair->is_granted = false;
    pair->gate->granted--;
    list_remove(&pair->grant_node);
}

/* Free slots of `gate` go to those who wait for them. */
static void grant(struct schedule *schedule, struct gate *gate, uint64_t now_us)
{
    struct list *node;
    while (!schedule_is_full(schedule, gate) &&
           (node = list_pop_front(&gate->claims)) != NULL) {
        struct claim *claim = container_of(node, struct claim, node);
        struct turn *turn = claim->turn;
        struct pair *pair = container_of(list_first(&claim->pairs), struct pair, node);
        list_push_back(&gate->claims, node);
        unpark(schedule, pair);
        if (turn->is_blocked) {
            list_push_back(&pair->flow->round, &pair->node);
        } else {
            pair->is_granted = true;
            gate->granted++;
            list_push_back(&pair->flow->granted, &pair->node);
            list_push_back(&turn->grants, &pair->grant_node);
        }
        open_flow(schedule, pair->flow, now_us);
    }
}

/* ------------------------------------------------------------------------- callers */

/* `turn` is out of the round. */
static void block(struct schedule *schedule, struct turn *turn, uint64_t now_us)
{
    struct list *node;
    turn->is_blocked = true;
    list_push_back(&schedule->blocked, &turn->node);
    while ((node = list_first(&turn->grants)) != NULL) {
        struct pair *pair = container_of(node, struct pair, grant_node);
        revoke(pair);
        list_remove(&pair->node);
        list_push_front(&pair->flow->round, &pair->node);
        grant(schedule, pair->gate, now_us);
    }
}

static void unblock(struct schedule *schedule, struct turn *turn, uint64_t now_us)
{
    turn->is_blocked = false;
    turn->free_us = now_us;
    list_remove(&turn->node);
    list_push_back(&schedule->round, &turn->node);
}

bool schedule_has_blocked(const struct schedule *schedule)
{
    return !list_is_empty(&schedule->blocked);
}

void schedule_retry(struct schedule *schedule, uint64_t now_us)
{
    struct list *next;
    for (struct list *node = schedule->blocked.next; node != &schedule->blocked;
         node = next) {
        struct turn *turn = container_of(node, struct turn, node);
        next = node->next;
        if (caller_has_places(turn->caller, 1))
            unblock(schedule, turn, now_us);
    }
}

/* --------------------------------------------------------------- waiting and leaving */

static struct pair *pair_of(struct schedule *schedule, struct gate *gate,
                            struct call *call, bool *ret_is_new)
{
    struct flow *flow = call->flow;
    if (!flow->turn) {
        flow->turn = schedule_get_turn(schedule, flow->caller);
        list_init(&flow->round);
        list_init(&flow->granted);
    }
    struct pair *pair = schedule_find_pair(schedule, flow, gate);
    *ret_is_new = pair == NULL;
    if (!pair)
        pair = schedule_make_pair(schedule, flow, gate);
    call->pair = pair;
    flow->waiting++;
    gate->waiting++;
    schedule->waiting++;
    return pair;
}

void schedule_wait(struct schedule *schedule, struct gate *gate, struct call *call,
                   uint64_t now_us)
{
    bool is_new;
    struct pair *pair = pair_of(schedule, gate, call, &is_new);
    list_push_back(&pair->calls, &call->node);
    if (!is_new)
        return;
    list_push_back(&call->flow->round, &pair->node);
    open_flow(schedule, call->flow, now_us);
}

void schedule_wait_first(struct schedule *schedule, struct gate *gate, struct call *call,
                         uint64_t now_us)
{
    bool is_new;
    struct pair *pair = pair_of(schedule, gate, call, &is_new);
    list_push_front(&pair->calls, &call->node);
    if (!is_new)
        return;
    list_push_front(&call->flow->round, &pair->node);
    open_flow(schedule, call->flow, now_us);
}

/* The call leaves its pair; its flow's last one ends the flow's waiting. */
static void unlink_call(struct schedule *schedule, struct call *call)
{
    struct pair *pair = call->pair;
    list_remove(&call->node);
    call->pair = NULL;
    pair->flow->waiting--;
    if (--pair->gate->waiting == 0)
        list_remove(&pair->gate->narrow_node);
    schedule->waiting--;
}

void schedule_leave(struct schedule *schedule, struct call *call, uint64_t now_us)
{
    struct pair *pair = call->pair;
    struct flow *flow = pair->flow;
    struct gate *gate = pair->gate;
    unlink_call(schedule, call);
    if (!list_is_empty(&pair->calls))
        return;
    bool was_granted = pair->is_granted;
    if (was_granted)
        revoke(pair);
    if (pair->claim) {
        unpark(schedule, pair);
    } else {
        list_remove(&pair->node);
        close_flow(flow);
    }
    schedule_free_pair(schedule, pair);
    if (flow->waiting == 0)
        flow->turn = NULL;
    if (was_granted)
        grant(schedule, gate, now_us);
}

/* -------------------------------------------------------------------------- picking */

bool schedule_has_next(const struct schedule *schedule)
{
    return !list_is_empty(&schedule->round);
}

static struct pair *pop_pair(struct flow *flow)
{
    bool has_both = !list_is_empty(&flow->round) && !list_is_empty(&flow->granted);
    flow->was_granted = has_both ? !flow->was_granted : !list_is_empty(&flow->granted);
    struct list *node = list_pop_front(flow->was_granted ? &flow->granted : &flow->round);
    return node ? container_of(node, struct pair, node) : NULL;
}

/* The next pair of the turn that has a slot; those without park on the way. */
static struct pair *next_pair(struct schedule *schedule, struct turn *turn,
                              uint64_t now_us)
{
    struct list *node;
    while ((node = list_first(&turn->flows)) != NULL) {
        struct pair *pair;
        while ((pair = pop_pair(container_of(node, struct flow, node))) != NULL) {
            if (pair->is_granted || !schedule_is_full(schedule, pair->gate))
                return pair;
            park(schedule, pair, now_us);
        }
        list_remove(node);
    }
    return NULL;
}

static void note_gap(struct schedule *schedule, const struct flow *flow, uint64_t now_us)
{
    uint64_t since_us = schedule_runnable_since_us(flow);
    schedule->gaps_us -= schedule->gaps_us / SCHEDULE_GAPS;
    schedule->gaps_us += now_us > since_us ? now_us - since_us : 0;
}

/* Takes the first call of a pair that hangs nowhere, and puts pair and flow to the end of
 * their rounds. */
static struct call *take(struct schedule *schedule, struct pair *pair, uint64_t now_us)
{
    struct flow *flow = pair->flow;
    struct gate *gate = pair->gate;
    struct turn *turn = flow->turn;
    struct call *call = container_of(list_first(&pair->calls), struct call, node);
    note_gap(schedule, flow, now_us);
    unlink_call(schedule, call);
    bool was_parked = pair->is_granted;
    if (was_parked)
        revoke(pair);
    if (gate->running++ == 0)
        window_open(&gate->window, window_clock(schedule, now_us));
    if (list_is_empty(&pair->calls))
        schedule_free_pair(schedule, pair);
    else if (was_parked && schedule_is_full(schedule, gate))
        park(schedule, pair, now_us);
    else
        list_push_back(&flow->round, &pair->node);
    list_remove(&flow->node);
    flow->runnable_us = now_us;
    if (is_runnable(flow))
        list_push_back(&turn->flows, &flow->node);
    if (flow->waiting == 0)
        flow->turn = NULL;
    return call;
}

struct call *schedule_next(struct schedule *schedule, uint64_t now_us)
{
    struct list *node;
    while ((node = list_pop_front(&schedule->round)) != NULL) {
        struct turn *turn = container_of(node, struct turn, node);
        if (!caller_take_place(turn->caller)) {
            block(schedule, turn, now_us);
            continue;
        }
        struct pair *pair = next_pair(schedule, turn, now_us);
        if (!pair) {
            caller_give_place(turn->caller);
            continue;
        }
        struct gate *gate = pair->gate;
        struct call *call = take(schedule, pair, now_us);
        if (!list_is_empty(&turn->flows))
            list_push_back(&schedule->round, &turn->node);
        grant(schedule, gate, now_us); /* its window may have opened */
        if (list_is_empty(&schedule->round))
            schedule->gaps_us = 0; /* nobody waits: what was is over */
        return call;
    }
    return NULL;
}

void schedule_release(struct schedule *schedule, struct gate *gate, struct caller *caller,
                      uint64_t now_us)
{
    assert(gate->running > 0);
    gate->running--;
    caller_give_place(caller);
    if (schedule_has_blocked(schedule)) {
        struct turn *turn = schedule_find_turn(schedule, caller);
        if (turn && turn->is_blocked)
            unblock(schedule, turn, now_us);
    }
    struct window_reply reply = {.running = gate->running,
                                 .is_short = !list_is_empty(&gate->claims)};
    window_done(&gate->window, &schedule->range, &reply, window_clock(schedule, now_us));
    grant(schedule, gate, now_us);
    if (!list_is_empty(&gate->claims))
        watch_gate(schedule, gate, now_us);
}

bool schedule_has_narrow(const struct schedule *schedule)
{
    return !list_is_empty(&schedule->narrow);
}

/* A part of the gates at a time, the longest unseen first. */
void schedule_widen(struct schedule *schedule, uint64_t now_us)
{
    struct list *node;
    struct list seen;
    list_init(&seen);
    for (unsigned left = WIDEN_SLICE; left > 0; left--) {
        node = list_pop_front(&schedule->narrow);
        if (!node)
            break;
        struct gate *gate = container_of(node, struct gate, narrow_node);
        list_push_back(&seen, node);
        if (list_is_empty(&gate->claims))
            window_wait(&gate->window, window_clock(schedule, now_us));
        else if (window_widen(&gate->window, &schedule->range,
                              window_clock(schedule, now_us)))
            grant(schedule, gate, now_us);
        if (!schedule_is_narrow(schedule, gate))
            list_remove(node);
    }
    while ((node = list_pop_front(&seen)) != NULL)
        list_push_back(&schedule->narrow, node);
}

struct call *schedule_drain(struct schedule *schedule)
{
    struct list *turns =
        list_is_empty(&schedule->round) ? &schedule->blocked : &schedule->round;
    struct list *node = list_first(turns);
    struct list *pair_node;
    if (node) {
        struct turn *turn = container_of(node, struct turn, node);
        struct flow *flow = container_of(list_first(&turn->flows), struct flow, node);
        pair_node =
            list_first(list_is_empty(&flow->round) ? &flow->granted : &flow->round);
    } else {
        node = list_first(&schedule->parked);
        if (!node)
            return NULL;
        pair_node = list_first(&container_of(node, struct claim, all_node)->pairs);
    }
    struct pair *pair = container_of(pair_node, struct pair, node);
    struct call *call = container_of(list_first(&pair->calls), struct call, node);
    schedule_leave(schedule, call, 0);
    return call;
}
