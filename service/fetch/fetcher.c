/* SPDX-License-Identifier: Apache-2.0 */
/* The entry of the upstream side, and the only place where things happen in order:
 *
 *     fetcher_turn:  mail of other workers: calls to run for them, outcomes of ours
 *                  → a slice of cancelled transfers out of their lanes
 *                  → a slice of ready flights and queued calls into lanes
 *                  → of a long queue that is left, parcels to idle workers
 *                  → libcurl runs what was added and what is due
 *                  → what has ended goes on (next address, redirect) or ends
 *                  → on_done for each that ended
 *                  → a few idle lanes are closed, gauges set
 *
 * Slices, because libcurl starts everything added in one call: 10,000 at once stop the
 * loop for seconds. They also save work: early replies free connections for the rest. */
#include "fetch/fetcher.h"

#include "base/clock.h"
#include "base/memory.h"
#include "fetch/coalesce.h"
#include "fetch/fetcher_state.h"
#include "fetch/handover.h"

#include <assert.h>
#include <stdlib.h>

enum {
    /* Also when the queue is long: with 64 an upstream that answers at once had always
     * 500 calls more waiting for our attention than needed, and every item took six times
     * as long, at 20 % more CPU (ten batches of 10,000 items). */
    SLICE = 16,
    HASHED = 128 << 10, /* bytes an on_dispatch may hash in the time a call takes */
    CANCEL_SLICE = 64,  /* 24 µs each */
    SPARE_LEAST = 256,
    SPARE_SLICE = 256, /* handles freed per turn in which lanes are closed */
    STALL_FIRST_MS = 2,
    STALL_LONGEST_MS = 50,
    RETRY_MS = 10,
    WIDEN_MS = 1,
    DELIVER_US = 1000, /* outcomes given away per turn, and the one that is under way */
    SHORT_SLICE = 4,   /* tries per stall while sockets are short */
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

static bool setup_parts(struct fetcher *fetcher, struct error *err)
{
    const struct fetcher_setup *setup = &fetcher->setup;
    const struct config *config = fetcher->snapshot->config;
    fetcher->resolver = resolver_new(setup->loop, config, setup->metrics, err);
    if (!fetcher->resolver)
        return false;
    fetcher->origins = origins_new(snapshot_everybody(fetcher->snapshot)->guard,
                                   (unsigned)config->fetch.per_origin);
    fetcher->schedule = origins_schedule(fetcher->origins);
    fetcher->transport = fetcher_make_transport(fetcher);
    return true;
}

static bool setup_export(struct fetcher *fetcher, struct error *err)
{
    if (!fetcher->setup.tracer)
        return true;
    const struct span_export_setup setup = {
        .loop = fetcher->setup.loop,
        .config = fetcher->snapshot->config,
        .resolver = fetcher->resolver,
        .tls_store = fetcher->snapshot->tls_store,
        .tracer = fetcher->setup.tracer,
        .metrics = fetcher->setup.metrics,
    };
    fetcher->span_export = span_export_new(&setup, err);
    return fetcher->span_export != NULL;
}

/* One handle made at the start shows whether this libcurl takes every option. */
static bool try_transfer(struct fetcher *fetcher, struct error *err)
{
    struct transfer *transfer = transport_make(fetcher->transport);
    if (!transfer)
        return error_set(err, ERROR_SYSTEM,
                         "libcurl refuses an option that gatherd needs");
    list_push_back(&fetcher->spare_transfers, &transfer->node);
    fetcher->spare_transfer_count++;
    return true;
}

struct fetcher *fetcher_new(const struct fetcher_setup *setup, struct error *err)
{
    struct fetcher *fetcher = memory_new(sizeof *fetcher);
    fetcher->setup = *setup;
    fetcher->snapshot = snapshot_hold(setup->shared->first);
    list_init(&fetcher->old_transports);
    fetcher->stall_timer.on_due = on_stall_over;
    fetcher->retry_timer.on_due = on_retry;
    fetcher->widen_timer.on_due = on_widen;
    list_init(&fetcher->ready);
    list_init(&fetcher->ended);
    list_init(&fetcher->cancelled);
    list_init(&fetcher->active);
    list_init(&fetcher->spare_flights);
    list_init(&fetcher->spare_transfers);
    if (setup_parts(fetcher, err) && try_transfer(fetcher, err) &&
        handover_join(fetcher, err) && setup_export(fetcher, err))
        return fetcher;
    fetcher_free(fetcher);
    return NULL;
}

static void drop_calls(struct fetcher *fetcher)
{
    struct list *node;
    struct call *call;
    while ((call = origins_drain(fetcher->origins)) != NULL) {
        struct flight *flight = call->flight; /* one between two hops */
        fetcher_forget_call(fetcher, call);
        if (flight)
            flight->call = NULL;
    }
    while ((node = list_first(&fetcher->active)) != NULL) {
        struct flight *flight = container_of(node, struct flight, all_node);
        if (flight->call)
            fetcher_forget_call(fetcher, flight->call);
        flight->call = NULL;
        flight_drop(flight);
    }
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    struct list *node;
    coalesce_done(fetcher);
    if (fetcher->origins)
        drop_calls(fetcher);
    handover_part(fetcher);
    while ((node = list_pop_front(&fetcher->spare_flights)) != NULL)
        free(container_of(node, struct flight, node));
    while ((node = list_pop_front(&fetcher->spare_transfers)) != NULL)
        transport_drop(container_of(node, struct transfer, node));
    loop_timer_clear(fetcher->setup.loop, &fetcher->stall_timer);
    loop_timer_clear(fetcher->setup.loop, &fetcher->retry_timer);
    loop_timer_clear(fetcher->setup.loop, &fetcher->widen_timer);
    loop_timer_clear(fetcher->setup.loop, &fetcher->circuit_timer);
    span_export_free(fetcher->span_export);
    while ((node = list_pop_front(&fetcher->old_transports)) != NULL)
        transport_free(container_of(node, struct transport, node));
    transport_free(fetcher->transport);
    origins_free(fetcher->origins);
    resolver_free(fetcher->resolver);
    snapshot_release(fetcher->snapshot);
    free(fetcher);
}

/* ----------------------------------------------------------------------- dispatching */

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

static void start_slice(struct fetcher *fetcher)
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

/* ------------------------------------------------------------------------------ turn */

/* The budget is of all workers, so it is told once a millisecond, not by the item. */
static void count_requests(struct fetcher *fetcher)
{
    uint64_t now_ms = fetcher->setup.loop->now_ms;
    if (fetcher->uncounted == 0 || fetcher->counted_ms == now_ms)
        return;
    retry_budget_count(&fetcher->setup.budgets->retries, now_ms, fetcher->uncounted);
    fetcher->uncounted = 0;
    fetcher->counted_ms = now_ms;
}

static void remove_slice(struct fetcher *fetcher)
{
    struct list *node;
    for (size_t left = CANCEL_SLICE; left > 0; left--) {
        node = list_first(&fetcher->cancelled);
        if (!node)
            return;
        flight_drop(container_of(node, struct flight, node));
    }
}

/* An attempt has ended: room in the budget, perhaps proof that sockets are to be had. */
static void note_progress(struct fetcher *fetcher, const struct transfer *transfer)
{
    fetcher->backoff_ms = 0;
    if (transfer->is_opened)
        fetcher->is_short_of_sockets = false;
    if (fetcher->is_stalled && !fetcher->is_short_of_sockets) {
        fetcher->is_stalled = false;
        loop_timer_clear(fetcher->setup.loop, &fetcher->stall_timer);
    }
}

static void collect(struct fetcher *fetcher, struct lanes *lanes)
{
    struct transfer *transfer;
    CURLcode result;
    while ((transfer = lanes_next_done(lanes, &result)) != NULL) {
        if (!transfer->is_short)
            note_progress(fetcher, transfer);
        flight_attempt_done(transfer->flight, (int)result);
    }
}

/* Ends with what ended before it began: what on_done starts may end at once, but is
 * delivered in the next turn. And after a while: ten large batches that end together must
 * not join their replies in one turn. */
static void deliver(struct fetcher *fetcher)
{
    struct list mark = {0};
    struct list *node;
    uint64_t until_us = clock_now_us() + DELIVER_US;
    list_push_back(&fetcher->ended, &mark);
    while ((node = list_first(&fetcher->ended)) != &mark) {
        if (flight_deliver(container_of(node, struct flight, node)))
            list_push_back(&mark, node); /* once more, behind the others */
        if (clock_now_us() > until_us)
            break;
    }
    list_remove(&mark);
    while (handover_deliver(fetcher) && clock_now_us() <= until_us)
        ;
}

/* Connections are being closed for want of use: so are the handles that used them. */
static void free_spares(struct fetcher *fetcher)
{
    for (size_t left = SPARE_SLICE;
         left > 0 && fetcher->spare_transfer_count > SPARE_LEAST; left--) {
        struct list *node = list_pop_front(&fetcher->spare_transfers);
        fetcher->spare_transfer_count--;
        transport_drop(container_of(node, struct transfer, node));
    }
}

void fetcher_turn(struct fetcher *fetcher)
{
    loop_touch(
        fetcher->setup.loop); /* clocks that start now must not start in the past */
    schedule_note_idle(fetcher->schedule, fetcher->setup.loop->idle_us);
    handover_read_mail(fetcher);
    remove_slice(fetcher);
    fetcher->is_refusing = fetcher_circuits_opened(fetcher);
    start_slice(fetcher);
    handover_offer(fetcher);
    count_requests(fetcher);
    lanes_run(fetcher->transport->lanes);
    for (struct list *node = fetcher->old_transports.next;
         node != &fetcher->old_transports; node = node->next)
        lanes_run(container_of(node, struct transport, node)->lanes);
    collect(fetcher, fetcher->transport->lanes);
    for (struct list *node = fetcher->old_transports.next;
         node != &fetcher->old_transports; node = node->next)
        collect(fetcher, container_of(node, struct transport, node)->lanes);
    deliver(fetcher);
    if (lanes_sweep(fetcher->transport->lanes) > 0)
        free_spares(fetcher);
    fetcher_sweep_old(fetcher);
    metrics_set(fetcher->setup.metrics, METRIC_ITEMS_IN_FLIGHT, fetcher->dispatched);
    metrics_set(fetcher->setup.metrics, METRIC_ITEMS_QUEUED, fetcher->schedule->waiting);
}

static bool can_start(const struct fetcher *fetcher)
{
    if (!list_is_empty(&fetcher->ready))
        return true;
    return !fetcher->is_stalled && schedule_has_next(fetcher->schedule);
}

bool fetcher_has_work(const struct fetcher *fetcher)
{
    return !list_is_empty(&fetcher->ended) || !list_is_empty(&fetcher->cancelled) ||
           lanes_has_work(fetcher->transport->lanes) || fetcher_has_old_work(fetcher) ||
           fetcher->is_refusing || handover_has_work(fetcher) || can_start(fetcher);
}

void fetcher_flush_spans(struct fetcher *fetcher, uint64_t limit_ms)
{
    if (fetcher->span_export)
        span_export_flush(fetcher->span_export, limit_ms);
}

bool fetcher_spans_are_flushed(const struct fetcher *fetcher)
{
    return !fetcher->span_export || span_export_is_flushed(fetcher->span_export);
}

void fetcher_trim(struct fetcher *fetcher)
{
    lanes_trim(fetcher->transport->lanes);
}

struct schedule_delay fetcher_delay(const struct fetcher *fetcher)
{
    return schedule_delay(fetcher->schedule, fetcher->setup.loop->now_us);
}

struct circuit_counts fetcher_circuits(const struct fetcher *fetcher)
{
    struct circuits *circuits = fetcher->snapshot->circuits;
    return circuits ? circuits_count(circuits, clock_now_ms())
                    : (struct circuit_counts){0};
}

void fetcher_circuit_list(const struct fetcher *fetcher, struct circuit_list *ret_list)
{
    circuits_list(fetcher->snapshot->circuits, clock_now_ms(), ret_list);
}

size_t fetcher_queued(const struct fetcher *fetcher)
{
    return fetcher->schedule->waiting;
}

size_t fetcher_in_flight(const struct fetcher *fetcher)
{
    return fetcher->dispatched;
}
