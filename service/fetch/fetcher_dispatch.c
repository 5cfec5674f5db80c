/* SPDX-License-Identifier: Apache-2.0 */
/* From queues into flights, a slice a turn, and when nothing is taken from them: while
 * there are no sockets, or no room in the process's in-flight budget. Which call is next
 * is schedule.c's to say, what becomes of it flight.c's. Called by fetcher.c.
 *
 * Slices, because libcurl starts everything added in one call: 10,000 at once stop the
 * loop for seconds. They also save work: early replies free connections for the rest. */
#include "fetch/fetcher_state.h"

#include "base/clock.h"

enum {
    /* Also when the queue is long: with 64 an upstream that answers at once had always
     * 500 calls more waiting for our attention than needed, and every item took six times
     * as long, at 20 % more CPU (ten batches of 10,000 items). */
    SLICE = 16,
    HASHED = 128 << 10, /* bytes an on_dispatch may hash in the time a call takes */
    STALL_FIRST_MS = 2,
    STALL_LONGEST_MS = 50,
    RETRY_MS = 10,
    WIDEN_MS = 1,
    SHORT_SLICE = 4, /* tries per stall while sockets are short */
};

/* Calls of a blocked caller that end on other workers tell nobody here. */
static void on_retry(struct timer *timer)
{
    struct fetcher *fetcher = container_of(timer, struct fetcher, retry_timer);
    schedule_retry(fetcher->schedule, fetcher->setup.loop->now_us);
}

/* No reply need come from where calls wait for one. */
static void on_widen(struct timer *timer)
{
    struct fetcher *fetcher = container_of(timer, struct fetcher, widen_timer);
    schedule_widen(fetcher->schedule, fetcher->setup.loop->now_us);
}

static void on_stall_over(struct timer *timer)
{
    container_of(timer, struct fetcher, stall_timer)->is_stalled = false;
}

void fetcher_dispatch_init(struct fetcher *fetcher)
{
    fetcher->stall_timer.on_due = on_stall_over;
    fetcher->retry_timer.on_due = on_retry;
    fetcher->widen_timer.on_due = on_widen;
}

void fetcher_dispatch_done(struct fetcher *fetcher)
{
    loop_timer_clear(fetcher->setup.loop, &fetcher->stall_timer);
    loop_timer_clear(fetcher->setup.loop, &fetcher->retry_timer);
    loop_timer_clear(fetcher->setup.loop, &fetcher->widen_timer);
}

void fetcher_stall(struct fetcher *fetcher)
{
    if (fetcher->is_stalled)
        return;
    fetcher->is_stalled = true;
    fetcher->backoff_ms = fetcher->backoff_ms ? 2 * fetcher->backoff_ms : STALL_FIRST_MS;
    if (fetcher->backoff_ms > STALL_LONGEST_MS)
        fetcher->backoff_ms = STALL_LONGEST_MS;
    loop_timer_set(fetcher->setup.loop, &fetcher->stall_timer,
                   fetcher->setup.loop->now_ms + fetcher->backoff_ms);
}

void fetcher_note_shortage(struct fetcher *fetcher)
{
    bool is_first = !fetcher->is_short_of_sockets;
    if (fetcher->is_stalled && fetcher->is_short_of_sockets)
        return; /* this round has been seen to */
    fetcher->is_short_of_sockets = true;
    fetcher_stall(fetcher);
    lanes_trim(fetcher->transport->lanes);
    /* Own idle connections first; when that did not help, those of other workers. */
    if (fetcher->setup.on_socket_pressure &&
        !(is_first && lanes_has_idle(fetcher->transport->lanes)))
        fetcher->setup.on_socket_pressure(fetcher->setup.context);
}

static void set_limits(struct flight *flight)
{
    const struct call *call = flight->call;
    const struct config *config = fetcher_config(call);
    flight->limits = (struct clock_limits){
        .total_ms = call->timeout_ms,
        .connect_ms = call->connect_timeout_ms,
        .first_byte_ms = config->fetch.first_byte_timeout_ms,
        .idle_ms = config->fetch.idle_timeout_ms,
        .is_total_lowered = call->timeout_ms < config->fetch.timeout_ms,
        .is_connect_lowered = call->connect_timeout_ms < config->fetch.connect_timeout_ms,
    };
    flight->marks =
        (struct clock_marks){.started_ms = flight->fetcher->setup.loop->now_ms};
}

/* False: it is about to be cancelled. */
static bool may_begin(struct call *call)
{
    return !fetcher_call_is_over(call) && (!call->is_guest || handover_may_start(call));
}

/* A guest counts once it is sure that it does not go home. */
static void begin(struct flight *flight, bool is_first)
{
    const struct call *call = flight->call;
    flight->fetcher->uncounted += is_first && call->is_guest && !call->is_extra;
    if (flight_circuit_enter(flight))
        flight_begin(flight);
}

static void dispatch(struct fetcher *fetcher, struct call *call)
{
    struct flight *flight = call->flight;
    bool is_first = flight == NULL;
    if (is_first) {
        flight = flight_take(fetcher, call);
        call_set_started(call, clock_now_us());
        call->timer.on_due = flight_on_due;
        set_limits(flight);
        fetcher->uncounted += !call->is_extra && !call->is_guest;
    }
    flight->slot = call->origin;
    flight->slot_us = fetcher->setup.loop->now_us;
    flight->is_tallied = false;
    flight->payer = call->flow->caller;
    flight->has_place = true;
    fetcher->dispatched++;
    if (is_first && fetcher->setup.loop->now_ms >= call->deadline_ms)
        flight_end(flight, CALL_DEADLINE, "the deadline came before the item was sent");
    else if (is_first && !fetcher_call_is_over(call) && call->on_dispatch &&
             !call->on_dispatch(call))
        flight_end(flight, CALL_OVERLOADED, "the gateway has no memory for the item");
    else if (may_begin(call))
        begin(flight, is_first);
}

void fetcher_dispatch_slice(struct fetcher *fetcher)
{
    size_t left = fetcher->is_short_of_sockets ? SHORT_SLICE : SLICE;
    struct list *node;
    while (left > 0 && (node = list_first(&fetcher->ready)) != NULL) {
        flight_go_on(container_of(node, struct flight, node));
        left--;
    }
    while (left > 0 && !fetcher->is_stalled && schedule_has_next(fetcher->schedule)) {
        if (!budget_take(&fetcher->setup.budgets->in_flight, 1)) {
            fetcher_stall(fetcher); /* until one of ours ends, or others may have */
            return;
        }
        struct call *call = origins_next(fetcher->origins, fetcher->setup.loop->now_us);
        if (!call) {
            budget_give(&fetcher->setup.budgets->in_flight, 1);
            break;
        }
        size_t cost = 1 + (call->on_dispatch ? call->body.len / HASHED : 0);
        dispatch(fetcher, call);
        left -= cost < left ? cost : left;
    }
    if (schedule_has_blocked(fetcher->schedule) && !timer_is_set(&fetcher->retry_timer))
        loop_timer_set(fetcher->setup.loop, &fetcher->retry_timer,
                       fetcher->setup.loop->now_ms + RETRY_MS);
    if (schedule_has_narrow(fetcher->schedule) && !timer_is_set(&fetcher->widen_timer))
        loop_timer_set(fetcher->setup.loop, &fetcher->widen_timer,
                       fetcher->setup.loop->now_ms + WIDEN_MS);
}

bool fetcher_may_dispatch(const struct fetcher *fetcher)
{
    if (!list_is_empty(&fetcher->ready))
        return true;
    return !fetcher->is_stalled && schedule_has_next(fetcher->schedule);
}

void fetcher_note_progress(struct fetcher *fetcher, const struct transfer *transfer)
{
    fetcher->backoff_ms = 0;
    if (transfer->is_opened)
        fetcher->is_short_of_sockets = false;
    if (fetcher->is_stalled && !fetcher->is_short_of_sockets) {
        fetcher->is_stalled = false;
        loop_timer_clear(fetcher->setup.loop, &fetcher->stall_timer);
    }
}

/* The budget is of all workers, so it is told once a millisecond, not by the item. */
void fetcher_count_requests(struct fetcher *fetcher)
{
    uint64_t now_ms = fetcher->setup.loop->now_ms;
    if (fetcher->uncounted == 0 || fetcher->counted_ms == now_ms)
        return;
    retry_budget_count(&fetcher->setup.budgets->retries, now_ms, fetcher->uncounted);
    fetcher->uncounted = 0;
    fetcher->counted_ms = now_ms;
}
