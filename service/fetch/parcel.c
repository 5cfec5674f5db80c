/* SPDX-License-Identifier: Apache-2.0 */
/* The guests first, then their trace, then the texts of their calls. Called by
 * handover*.c. */
#include "fetch/parcel.h"

#include "base/memory.h"
#include "fetch/call_copy.h"

#include <stdlib.h>
#include <string.h>

static size_t trace_size_of(const struct flow *flow)
{
    return flow->trace ? trace_size(flow->trace) : 0;
}

size_t parcel_size(const struct flow *flow, size_t count, size_t text_size)
{
    return sizeof(struct parcel) + count * sizeof(struct guest) + trace_size_of(flow) +
           text_size;
}

struct parcel *parcel_new(const struct flow *flow, size_t count, size_t size,
                          struct budget *budget)
{
    if (!budget_take(budget, size))
        return NULL;
    struct parcel *parcel = memory_try_array(1, size);
    if (!parcel) {
        budget_give(budget, size);
        return NULL;
    }
    parcel->budget = budget;
    parcel->size = size;
    parcel->count = count;
    parcel->home_left = count;
    parcel->home_flow = flow;
    parcel->flow.caller = flow->caller;
    parcel->flow.terms = flow->terms;
    snapshot_hold(flow->terms->snapshot);
    if (flow->request_id && strlen(flow->request_id) < PARCEL_REQUEST_ID_SIZE) {
        memcpy(parcel->request_id, flow->request_id, strlen(flow->request_id) + 1);
        parcel->flow.request_id = parcel->request_id;
    }
    if (flow->trace)
        parcel->flow.trace = trace_copy(flow->trace, parcel->guests + count);
    atomic_init(&parcel->holds, 2 * count);
    return parcel;
}

void *parcel_room(struct parcel *parcel)
{
    return (char *)(parcel->guests + parcel->count) + trace_size_of(&parcel->flow);
}

void *parcel_pack(struct parcel *parcel, size_t index, struct call *call, void *room)
{
    struct guest *guest = &parcel->guests[index];
    call_copy(&guest->call, call, room);
    guest->call.flow = &parcel->flow;
    guest->call.is_guest = true;
    guest->call.was_away = true;
    guest->call.queued_us = call->queued_us;
    call_set_phase(&guest->call, PHASE_QUEUED);
    atomic_init(&guest->state, GUEST_OFFERED);
    guest->parcel = parcel;
    guest->home_call = call;
    call->away = &guest->call;
    call->was_away = true;
    return (char *)room + call_copy_size(call);
}

/* Relaxed: what the guest's memory holds goes from thread to thread by mail. */
bool guest_start(struct guest *guest)
{
    enum guest_state before = GUEST_OFFERED;
    return atomic_compare_exchange_strong_explicit(&guest->state, &before, GUEST_STARTED,
                                                   memory_order_relaxed,
                                                   memory_order_relaxed) ||
           before == GUEST_STARTED; /* and went back to its queue */
}

bool guest_recall(struct guest *guest)
{
    enum guest_state before = GUEST_OFFERED;
    return atomic_compare_exchange_strong_explicit(&guest->state, &before, GUEST_RECALLED,
                                                   memory_order_relaxed,
                                                   memory_order_relaxed);
}

void guest_let_go(struct guest *guest, size_t holds)
{
    struct parcel *parcel = guest->parcel;
    if (atomic_fetch_sub(&parcel->holds, holds) != holds)
        return;
    budget_give(parcel->budget, parcel->size);
    snapshot_release(parcel->flow.terms->snapshot);
    free(parcel);
}

void guest_drop_result(struct guest *guest, struct budget *budget)
{
    if (guest->result)
        budget_give(budget, guest->result->size);
    free(guest->result);
    guest->result = NULL;
}
