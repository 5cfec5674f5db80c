/* SPDX-License-Identifier: Apache-2.0 */
/* Sharings in a table by the hash of their call, those that wait in a list each. An
 * outcome is handed to one after the other, not to all in one go: rendering a reply of
 * megabytes for a thousand items would stop the loop; fetcher.c's deliver comes back. */
#include "fetch/coalesce.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "fetch/call_copy.h"
#include "fetch/call_equal.h"
#include "fetch/fetcher_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

struct sharing {
    struct call call;    /* the shared one */
    struct list waiting; /* struct call.node, in order of arrival */
    size_t came;         /* how many, ever */
    size_t given;        /* how many of them were told */
    bool is_closed;
    uint64_t hash;
    uint64_t charged; /* of budgets.request_bytes */
    struct sharing *next;
    struct list all_node;
};

struct coalescer {
    uint64_t seed;
    struct list all; /* sharings, also closed ones */
    struct sharing *buckets[BUCKETS];
};

static struct sharing *sharing_of(struct call *shared)
{
    return container_of(shared, struct sharing, call);
}

static struct sharing **bucket_of(struct coalescer *coalescer, uint64_t hash)
{
    return &coalescer->buckets[hash % BUCKETS];
}

static struct coalescer *coalescer_of(struct fetcher *fetcher)
{
    if (!fetcher->coalescer) {
        fetcher->coalescer = memory_new(sizeof *fetcher->coalescer);
        fetcher->coalescer->seed = random_u64();
        list_init(&fetcher->coalescer->all);
    }
    return fetcher->coalescer;
}

static struct sharing *find(struct coalescer *coalescer, const struct call *call,
                            uint64_t hash)
{
    struct sharing *sharing = *bucket_of(coalescer, hash);
    while (sharing && (sharing->hash != hash || !call_is_equal(&sharing->call, call)))
        sharing = sharing->next;
    return sharing;
}

/* --------------------------------------------------------------------- making, ending */

/* Never called: flight_deliver hands the outcomes of shared calls to coalesce_give. */
static void on_done(struct call *call, const struct outcome *outcome)
{
    (void)call;
    (void)outcome;
    assert(!"a shared call has no owner");
}

/* NULL: there is no room. */
static struct sharing *make(struct fetcher *fetcher, const struct call *call,
                            uint64_t hash)
{
    struct budget *budget = &fetcher->setup.budgets->request_bytes;
    size_t size = sizeof(struct sharing) + call_copy_size(call);
    if (!budget_take(budget, size))
        return NULL;
    struct sharing *sharing = memory_try_array(1, size);
    if (!sharing) {
        budget_give(budget, size);
        return NULL;
    }
    call_copy(&sharing->call, call, sharing + 1);
    sharing->call.flow = call->flow;
    sharing->call.is_shared = true;
    sharing->call.timeout_ms = (uint32_t)fetcher_config(call)->fetch.timeout_ms;
    sharing->call.on_done = on_done;
    sharing->hash = hash;
    sharing->charged = size;
    list_init(&sharing->waiting);
    struct sharing **bucket = bucket_of(fetcher->coalescer, hash);
    sharing->next = *bucket;
    *bucket = sharing;
    list_push_back(&fetcher->coalescer->all, &sharing->all_node);
    return sharing;
}

/* Out of the table: nobody can join it any more. */
static void close_sharing(struct fetcher *fetcher, struct sharing *sharing)
{
    struct sharing **link = bucket_of(fetcher->coalescer, sharing->hash);
    if (sharing->is_closed)
        return;
    sharing->is_closed = true;
    while (*link != sharing)
        link = &(*link)->next;
    *link = sharing->next;
}

static void drop(struct fetcher *fetcher, struct sharing *sharing)
{
    close_sharing(fetcher, sharing);
    list_remove(&sharing->all_node);
    budget_give(&fetcher->setup.budgets->request_bytes, sharing->charged);
    free(sharing);
}

/* ------------------------------------------------------------------ those that wait */

static void part(struct fetcher *fetcher, struct call *call)
{
    list_remove(&call->node);
    loop_timer_clear(fetcher->setup.loop, &call->timer);
    call_set_started(call, fetcher_started_us(call));
    call->shared = NULL;
    call_set_phase(call, PHASE_IDLE);
}

/* The shared call waits for its slot in the turn of the first that waits for it. */
static void rehome(struct fetcher *fetcher, struct sharing *sharing)
{
    struct call *shared = &sharing->call;
    struct call *first = container_of(list_first(&sharing->waiting), struct call, node);
    struct origin *origin = shared->origin;
    uint64_t now_us = fetcher->setup.loop->now_us;
    bool is_queued = shared->pair != NULL;
    if (shared->flow == first->flow)
        return;
    if (is_queued)
        origins_leave(fetcher->origins, shared, now_us);
    struct flight *flight = is_queued ? NULL : shared->flight;
    if (flight && flight->span.is_open) /* in the trace of the one that left */
        flight_span_close(flight, CALL_CANCELLED, NULL);
    shared->flow = first->flow;
    if (flight && !flight->has_ended && flight_is_recorded(flight))
        flight_span_open(flight);
    if (is_queued)
        origins_wait_first(fetcher->origins, origin, shared, now_us);
}

void coalesce_leave(struct fetcher *fetcher, struct call *call)
{
    struct sharing *sharing = sharing_of(call->shared);
    part(fetcher, call);
    if (sharing->is_closed)
        return; /* coalesce_give sees to the rest */
    if (!list_is_empty(&sharing->waiting)) {
        rehome(fetcher, sharing);
        return;
    }
    fetcher_cancel(fetcher, &sharing->call);
    drop(fetcher, sharing);
}

/* The clock of one of them; the shared call's own is the flight's. */
static void on_due(struct timer *timer)
{
    struct call *call = container_of(timer, struct call, timer);
    struct fetcher *fetcher = call->fetcher;
    struct loop *loop = fetcher->setup.loop;
    const struct call *shared = call->shared;
    uint64_t started_us = fetcher_started_us(call);
    if (shared->flight && shared->flight->has_ended)
        return;            /* about to be told */
    if (started_us == 0) { /* it cannot be due before that time has gone by once more */
        loop_timer_set(loop, timer, loop->now_ms + call->timeout_ms);
        return;
    }
    const struct clock_limits limits = {.total_ms = call->timeout_ms};
    const struct clock_marks marks = {.started_ms = started_us / 1000};
    struct clock_verdict verdict =
        clocks_judge(&limits, &marks, shared->phase, loop->now_ms);
    if (!verdict.is_out) {
        loop_timer_set(loop, timer, verdict.next_ms);
        return;
    }
    enum call_phase phase = shared->phase;
    coalesce_leave(fetcher, call); /* the shared call may be gone now */
    call_set_phase(call, phase);   /* until it is told: it can still be cancelled */
    struct flight *flight = flight_take(fetcher, call);
    clocks_message(&verdict, flight->text, sizeof flight->text);
    flight_end(flight, verdict.code, flight->text);
}

bool coalesce_start(struct fetcher *fetcher, struct call *call)
{
    if (!call_may_coalesce(call))
        return false;
    struct coalescer *coalescer = coalescer_of(fetcher);
    uint64_t hash = call_hash(call, coalescer->seed);
    struct sharing *sharing = find(coalescer, call, hash);
    if (!sharing) {
        sharing = make(fetcher, call, hash);
        if (!sharing)
            return false;
        fetcher_start(fetcher, &sharing->call);
    } else {
        metrics_add(fetcher->setup.metrics, METRIC_COALESCED, 0, 1);
    }
    if (call->deadline_ms > sharing->call.deadline_ms)
        sharing->call.deadline_ms = call->deadline_ms;
    sharing->came++;
    call->shared = &sharing->call;
    call->timer.on_due = on_due;
    list_push_back(&sharing->waiting, &call->node);
    loop_timer_set(fetcher->setup.loop, &call->timer,
                   call->queued_us / 1000 + call->timeout_ms);
    return true;
}

/* -------------------------------------------------------------------------- outcomes */

void coalesce_close(struct fetcher *fetcher, struct call *call)
{
    close_sharing(fetcher, sharing_of(call));
}

/* Of the phases, the wait for a slot and the whole are its own. */
static struct call_timing timing_of(const struct call *call,
                                    const struct call_timing *shared)
{
    struct call_timing timing = *shared;
    uint64_t now_us = clock_now_us();
    uint64_t started_us = call->started_us ? call->started_us : now_us;
    timing.blocked = (double)(started_us - call->queued_us) / 1000.0;
    timing.total = (double)(now_us - call->queued_us) / 1000.0;
    return timing;
}

bool coalesce_give(struct fetcher *fetcher, struct call *shared,
                   const struct outcome *outcome)
{
    struct sharing *sharing = sharing_of(shared);
    struct list *node = list_first(&sharing->waiting);
    assert(sharing->is_closed);
    if (!node) {
        drop(fetcher, sharing);
        return false;
    }
    struct call *call = container_of(node, struct call, node);
    part(fetcher, call);
    struct outcome own = *outcome;
    own.is_coalesced = sharing->came > 1;
    own.timing = timing_of(call, &outcome->timing);
    /* The first one's trace has the attempt, unless it was another one's then. */
    if (sharing->given++ > 0 || !flight_span_is_in(shared->flight, call->flow))
        flight_span_join(shared->flight, call, own.span_id);
    call->on_done(call, &own);
    return true;
}

void coalesce_done(struct fetcher *fetcher)
{
    struct list *node;
    if (!fetcher->coalescer)
        return;
    while ((node = list_first(&fetcher->coalescer->all)) != NULL) {
        struct sharing *sharing = container_of(node, struct sharing, all_node);
        struct list *waiting;
        while ((waiting = list_first(&sharing->waiting)) != NULL)
            part(fetcher, container_of(waiting, struct call, node));
        fetcher_cancel(fetcher, &sharing->call);
        drop(fetcher, sharing);
    }
    free(fetcher->coalescer);
    fetcher->coalescer = NULL;
}
