/* SPDX-License-Identifier: Apache-2.0 */
/* The entry of the upstream side, and the only place where things happen in order (what
 * may start is fetcher_dispatch.c's):
 *
 *     fetcher_turn:  mail of other workers: calls to run for them, outcomes of ours
 *                  → a slice of cancelled transfers out of their lanes
 *                  → a slice of ready flights and queued calls into lanes
 *                  → of a long queue that is left, parcels to idle workers
 *                  → libcurl runs what was added and what is due
 *                  → what has ended goes on (next address, redirect) or ends
 *                  → on_done for each that ended
 *                  → a few idle lanes are closed, gauges set
 */
#include "fetch/fetcher.h"

#include "base/clock.h"
#include "base/memory.h"
#include "fetch/coalesce.h"
#include "fetch/fetcher_state.h"
#include "fetch/handover.h"

#include <stdlib.h>

enum {
    CANCEL_SLICE = 64, /* 24 µs each */
    SPARE_LEAST = 256,
    SPARE_SLICE = 256, /* handles freed per turn in which lanes are closed */
    DELIVER_US = 1000, /* outcomes given away per turn, and the one that is under way */
};

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
    fetcher_dispatch_init(fetcher);
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
    fetcher_dispatch_done(fetcher);
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

/* ------------------------------------------------------------------------------ turn */

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

static void collect(struct fetcher *fetcher, struct lanes *lanes)
{
    struct transfer *transfer;
    CURLcode result;
    while ((transfer = lanes_next_done(lanes, &result)) != NULL) {
        if (!transfer->is_short)
            fetcher_note_progress(fetcher, transfer);
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
    fetcher_dispatch_slice(fetcher);
    handover_offer(fetcher);
    fetcher_count_requests(fetcher);
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

bool fetcher_has_work(const struct fetcher *fetcher)
{
    return !list_is_empty(&fetcher->ended) || !list_is_empty(&fetcher->cancelled) ||
           lanes_has_work(fetcher->transport->lanes) || fetcher_has_old_work(fetcher) ||
           fetcher->is_refusing || handover_has_work(fetcher) ||
           fetcher_may_dispatch(fetcher);
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
