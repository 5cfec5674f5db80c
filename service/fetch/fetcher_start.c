/* SPDX-License-Identifier: Apache-2.0 */
/* A call before its dispatch: vetted, or joined with an equal one, and put into its
 * queue; and the way out again at any time. What happens in a turn is fetcher.c's. */
#include "base/clock.h"
#include "fetch/coalesce.h"
#include "fetch/fetcher_state.h"
#include "fetch/url.h"

#include <assert.h>

/* So that `overloaded` is told before the batch says `deadline`. */
enum { DEADLINE_LEAD_MS = 20 };

void fetcher_forget_call(struct fetcher *fetcher, struct call *call)
{
    loop_timer_clear(fetcher->setup.loop, &call->timer);
    call_set_phase(call, PHASE_IDLE);
    call->origin = NULL;
    call->flight = NULL;
}

static void refuse(struct fetcher *fetcher, struct call *call, enum call_code code,
                   const char *reason)
{
    flight_end(flight_take(fetcher, call), code, reason);
}

/* The timer of a call that waits for its first slot. */
static void on_queue_due(struct timer *timer)
{
    struct call *call = container_of(timer, struct call, timer);
    struct fetcher *fetcher = call->fetcher;
    origins_leave(fetcher->origins, call, fetcher->setup.loop->now_us);
    if (fetcher->is_short_of_sockets)
        refuse(fetcher, call, CALL_OVERLOADED, "the gateway has no socket left");
    else
        refuse(fetcher, call, CALL_TIMEOUT_QUEUE,
               "no slot became free within fetch.queue_timeout");
}

static void enqueue(struct fetcher *fetcher, struct call *call, struct origin *origin)
{
    uint64_t queue_ms = fetcher_config(call)->fetch.queue_timeout_ms;
    uint64_t now_us = fetcher->setup.loop->now_us;
    call_set_phase(call, PHASE_QUEUED);
    /* What it waited elsewhere says nothing of how long this worker lets wait. */
    if (!call->was_away)
        origins_wait(fetcher->origins, origin, call, call->queued_us);
    else if (call->is_guest)
        origins_wait(fetcher->origins, origin, call, now_us);
    else
        origins_wait_first(fetcher->origins, origin, call, now_us);
    if (queue_ms == 0)
        return;
    call->timer.on_due = on_queue_due;
    loop_timer_set(fetcher->setup.loop, &call->timer, call->queued_us / 1000 + queue_ms);
}

/* A call that met a shortage waits on, but not for ever: then it was never sent. */
void fetcher_requeue(struct fetcher *fetcher, struct call *call)
{
    uint64_t queue_ms = fetcher_config(call)->fetch.queue_timeout_ms;
    uint64_t limit_ms = call->deadline_ms - DEADLINE_LEAD_MS;
    if (queue_ms > 0 && call->queued_us / 1000 + queue_ms < limit_ms)
        limit_ms = call->queued_us / 1000 + queue_ms;
    call_set_phase(call, PHASE_QUEUED);
    call_set_started(call, 0);
    origins_wait_first(fetcher->origins, call->origin, call, fetcher->setup.loop->now_us);
    call->timer.on_due = on_queue_due;
    loop_timer_set(fetcher->setup.loop, &call->timer, limit_ms);
}

static struct origin *origin_of(struct fetcher *fetcher, struct slice url,
                                const char **ret_reason)
{
    struct target target;
    struct origin *origin = origins_recall(fetcher->origins, url);
    if (origin)
        return origin;
    if (!url_parse(url, &target, ret_reason))
        return NULL;
    origin = origins_get(fetcher->origins, &target);
    origins_remember(fetcher->origins, origin, url);
    return origin;
}

static void queue(struct fetcher *fetcher, struct call *call)
{
    const char *reason = NULL;
    struct origin *origin = origin_of(fetcher, call->url, &reason);
    if (!origin) {
        refuse(fetcher, call, CALL_BAD_URL, reason);
        return;
    }
    switch (origins_judge(fetcher->origins, origin, call->flow->terms->guard, &reason)) {
    case VERDICT_BLOCK_URL:
        refuse(fetcher, call, CALL_BLOCKED_URL, reason);
        break;
    case VERDICT_BLOCK_ADDRESS:
        refuse(fetcher, call, CALL_BLOCKED_ADDRESS, reason);
        break;
    case VERDICT_ALLOW:
        if (!call->was_away)
            egress_note_passed(fetcher, call, &origin->target, reason);
        if (fetcher_circuit_admits(fetcher, call, origin))
            enqueue(fetcher, call, origin);
        break;
    }
}

void fetcher_start(struct fetcher *fetcher, struct call *call)
{
    assert(call->phase == PHASE_IDLE && call->on_done);
    call->fetcher = fetcher;
    call->flight = NULL;
    call->origin = NULL;
    call->was_away = false;
    call_set_started(call, 0);
    call->queued_us = clock_now_us();
    call_set_phase(call, PHASE_QUEUED);
    if (!call->coalesces || !coalesce_start(fetcher, call))
        queue(fetcher, call);
}

void fetcher_start_again(struct fetcher *fetcher, struct call *call)
{
    call->fetcher = fetcher;
    call_set_started(call, 0);
    call_set_phase(call, PHASE_QUEUED);
    queue(fetcher, call);
}

void fetcher_cancel(struct fetcher *fetcher, struct call *call)
{
    struct flight *flight = call->flight;
    if (call->phase == PHASE_IDLE)
        return;
    if (call->shared) {
        coalesce_leave(fetcher, call);
        return;
    }
    if (call->away) {
        handover_revoke(fetcher, call);
        return;
    }
    if (call->origin && list_is_linked(&call->node))
        origins_leave(fetcher->origins, call, fetcher->setup.loop->now_us);
    if (flight && flight->span.is_open)
        flight_span_close(flight, CALL_CANCELLED, NULL);
    fetcher_forget_call(fetcher, call);
    if (!flight)
        return;
    flight_abandon(flight);
}

void fetcher_end_flow(struct fetcher *fetcher, struct flow *flow)
{
    flow_set_over(flow);
    handover_end_flow(fetcher, flow);
}
