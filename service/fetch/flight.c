/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a flight: taken from the pool, what it holds and gives back, how it ends or
 * is left, and what of it is counted of its origin. Its name is looked up in
 * flight_address.c, its attempts are made in flight_attempt.c, redirects followed in
 * flight_redirect.c, the outcome written in flight_outcome.c. Called by fetcher.c. */
#include "fetch/flight.h"

#include "base/clock.h"
#include "base/memory.h"
#include "fetch/fetcher_state.h"

#include <assert.h>
#include <stdlib.h>

/* Spare ones kept of each kind; fetcher_turn frees most when lanes are closed. */
enum { SPARE_MAX = 16 * 1024 };

static struct flight *new_flight(struct fetcher *fetcher)
{
    struct list *node = list_pop_front(&fetcher->spare_flights);
    if (!node)
        return memory_new(sizeof(struct flight));
    fetcher->spare_flight_count--;
    return container_of(node, struct flight, node);
}

static const struct call_timing nothing_happened = {.blocked = -1,
                                                    .dns = -1,
                                                    .connect = -1,
                                                    .ssl = -1,
                                                    .send = -1,
                                                    .wait = -1,
                                                    .receive = -1};

struct flight *flight_take(struct fetcher *fetcher, struct call *call)
{
    struct flight *flight = new_flight(fetcher);
    flight->fetcher = fetcher;
    flight->call = call;
    flight->method = call->method;
    flight->timing = nothing_happened;
    call->flight = flight;
    list_push_back(&fetcher->active, &flight->all_node);
    return flight;
}

void flight_give_transfer(struct flight *flight)
{
    struct fetcher *fetcher = flight->fetcher;
    struct transfer *transfer = flight->transfer;
    if (!transfer)
        return;
    flight->transfer = NULL;
    if (fetcher->spare_transfer_count >= SPARE_MAX ||
        !transport_is_of(fetcher->transport, transfer)) {
        transport_drop(transfer);
        return;
    }
    transfer_recycle(transfer);
    list_push_front(&fetcher->spare_transfers, &transfer->node);
    fetcher->spare_transfer_count++;
}

struct transfer *flight_take_transfer(struct flight *flight)
{
    struct fetcher *fetcher = flight->fetcher;
    struct list *node = list_pop_front(&fetcher->spare_transfers);
    if (node)
        fetcher->spare_transfer_count--;
    flight->transfer = node ? container_of(node, struct transfer, node)
                            : transport_make(fetcher->transport);
    if (flight->transfer)
        flight->transfer->flight = flight;
    return flight->transfer;
}

void flight_release(struct flight *flight)
{
    struct fetcher *fetcher = flight->fetcher;
    flight_circuit_leave(flight);
    if (flight->slot)
        origins_release(fetcher->origins, flight->slot, flight->payer,
                        fetcher->setup.loop->now_us);
    flight->slot = NULL;
    if (!flight->has_place)
        return;
    flight->has_place = false;
    fetcher->dispatched--;
    budget_give(&fetcher->setup.budgets->in_flight, 1);
}

static void reset(struct flight *flight)
{
    free(flight->url);
    free(flight->headers);
    flight->url = NULL;
    flight->headers = NULL;
    flight->header_count = 0;
    flight->call = NULL;
    flight->has_ended = false;
    flight->address_count = 0;
    flight->address_next = 0;
    flight->address_until_ms = 0;
    flight->drops_body = false;
    flight->hops = 0;
    flight->is_redialled = false;
    flight->is_impatient = false;
    flight->is_noted = false;
    flight->span.is_open = false;
    flight->span.sent = 0;
    flight->code = CALL_OK;
    flight->message = NULL;
}

void flight_drop(struct flight *flight)
{
    struct fetcher *fetcher = flight->fetcher;
    if (flight->is_asking)
        resolver_cancel(fetcher->resolver, &flight->question);
    flight->is_asking = false;
    if (flight->transfer && flight->transfer->lane)
        lanes_remove(flight->transfer->setup->lanes, flight->transfer);
    flight_give_transfer(flight);
    flight_release(flight);
    if (flight->call)
        flight->call->flight = NULL;
    list_remove(&flight->node);
    list_remove(&flight->all_node);
    reset(flight);
    if (fetcher->spare_flight_count >= SPARE_MAX) {
        free(flight);
        return;
    }
    list_push_front(&fetcher->spare_flights, &flight->node);
    fetcher->spare_flight_count++;
}

/* By the turn's clock: good enough for a mean, and nothing is paid for it. */
void flight_tally(struct flight *flight, enum call_code code)
{
    if (!flight->slot || flight->is_tallied)
        return;
    const struct loop *loop = flight->fetcher->setup.loop;
    struct origin_tally *tally = &flight->slot->tally;
    int status = flight->transfer ? flight->transfer->head.status : 0;
    flight->is_tallied = true;
    tally->ended++;
    tally->failed += code != CALL_OK || status >= 500;
    tally->us += loop->now_us - flight->slot_us;
    tally->last_ms = loop->now_ms;
}

void flight_end(struct flight *flight, enum call_code code, const char *message)
{
    assert(!flight->has_ended && flight->call);
    struct call *call = flight->call;
    if (list_is_linked(&call->node))
        origins_leave(flight->fetcher->origins, call, /* between two hops */
                      flight->fetcher->setup.loop->now_us);
    flight_circuit_note(flight, code);
    flight_tally(flight, code);
    if (flight_is_recorded(flight))
        flight_span_close(flight, code, message);
    flight->has_ended = true;
    flight->code = code;
    flight->message = message;
    list_remove(&flight->node);
    list_push_back(&flight->fetcher->ended, &flight->node);
}

void flight_abandon(struct flight *flight)
{
    flight->call = NULL;
    if (flight->slot && !flight->is_tallied)
        flight->slot->tally.cancelled++;
    flight_circuit_leave(flight); /* a probe that was cancelled makes room for another */
    if (!flight->transfer || !flight->transfer->lane) {
        flight_drop(flight);
        return;
    }
    transfer_disown(flight->transfer);
    flight->has_ended = true;
    list_remove(&flight->node);
    list_push_back(&flight->fetcher->cancelled, &flight->node);
}
