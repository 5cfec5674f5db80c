/* SPDX-License-Identifier: Apache-2.0 */
/* From an origin to the addresses that may be connected to: literal, cached, or asked
 * for. Every address of an answer is judged, and one that is not allowed refuses the
 * name: a name that leads to both outside and inside is an attack or a mistake. With an
 * egress proxy nothing is different: it is told the address and never sees the name. */
#include "fetch/fetcher_state.h"
#include "fetch/flight.h"

#include "base/clock.h"

#include <string.h>

/* `ret_noted` takes what report mode let pass. */
static bool is_allowed(struct flight *flight, const struct sockaddr *address,
                       const char **ret_noted)
{
    const char *reason = NULL;
    const struct target *target = &flight->call->origin->target;
    enum verdict verdict =
        guard_judge_address(flight->call->flow->terms->guard, target, address, &reason);
    if (verdict != VERDICT_ALLOW) {
        flight_end(flight, CALL_BLOCKED_ADDRESS, reason);
        return false;
    }
    if (reason)
        *ret_noted = reason;
    return true;
}

/* The slot of `address` with the port it will be connected to. */
static void put_address(struct flight *flight, const struct sockaddr_storage *address)
{
    union flight_address *slot = &flight->addresses[flight->address_count++];
    uint16_t port = htons(flight->call->origin->target.port);
    if (address->ss_family == AF_INET6) {
        memcpy(&slot->in6, address, sizeof slot->in6);
        slot->in6.sin6_port = port;
    } else {
        memcpy(&slot->in, address, sizeof slot->in);
        slot->in.sin_port = port;
    }
}

/* False: the flight has ended. */
static bool take_answer(struct flight *flight, const struct resolver_answer *answer)
{
    flight->address_count = 0;
    flight->address_next = 0;
    if (answer->count == 0) {
        flight_end(flight, CALL_DNS, answer->message);
        return false;
    }
    const char *noted = NULL;
    for (size_t i = 0; i < answer->count; i++) {
        put_address(flight, &answer->addresses[i]);
        if (!is_allowed(flight, &flight->addresses[i].any, &noted))
            return false;
    }
    egress_note_passed(flight->fetcher, flight->call, &flight->call->origin->target,
                       noted);
    return true;
}

static void add_time(double *sum, double ms)
{
    *sum = *sum < 0 ? ms : *sum + ms;
}

static void on_answer(struct resolver_question *question,
                      const struct resolver_answer *answer)
{
    struct flight *flight = container_of(question, struct flight, question);
    struct list *ready = &flight->fetcher->ready;
    flight->is_asking = false;
    add_time(&flight->timing.dns, (double)(clock_now_us() - flight->asked_us) / 1000.0);
    if (!flight->has_ended && take_answer(flight, answer))
        list_push_back(ready, &flight->node);
}

static void ask(struct flight *flight)
{
    flight->asked_us = clock_now_us();
    flight->is_asking = true;
    flight->question.on_answer = on_answer;
    resolver_ask(flight->fetcher->resolver, flight->call->origin->target.host,
                 &flight->question);
    flight_arm(flight);
}

void flight_begin(struct flight *flight)
{
    const struct origin *origin = flight->call->origin;
    call_set_phase(flight->call, PHASE_CONNECTING);
    if (flight_is_recorded(flight))
        flight_span_open(flight);
    flight->marks.hop_ms = flight->fetcher->setup.loop->now_ms;
    flight->address_count = 0;
    flight->address_next = 0;
    if (origin->target.is_literal) {
        put_address(flight, &origin->target.address); /* judged with its origin */
    } else {
        const struct resolver_answer *answer =
            resolver_cached(flight->fetcher->resolver, origin->target.host);
        if (!answer) {
            ask(flight);
            return;
        }
        if (!take_answer(flight, answer))
            return;
        flight->timing.dns = flight->timing.dns < 0 ? 0 : flight->timing.dns;
    }
    flight_go_on(flight);
}
