/* SPDX-License-Identifier: Apache-2.0 */
/* Calls and the circuits of their origins. Asked when a call is started and when it gets
 * its slot (that is when a probe is chosen), told when its attempt at the origin is over.
 * What waits for slots when a circuit opens is refused there and then; an opening by
 * another worker is noticed within LOOK_MS. */
#include "fetch/fetcher_state.h"
#include "fetch/flight.h"
#include "fetch/schedule_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { LOOK_MS = 50, REFUSE_SLICE = 256 };

/* Those of its configuration; NULL: breakers are off. */
static struct circuits *circuits_of(const struct call *call)
{
    return call->flow->terms->snapshot->circuits;
}

static uint64_t key_of(const struct call *call, struct origin *origin)
{
    struct circuits *circuits = circuits_of(call);
    if (origin->circuit == 0)
        origin->circuit = circuits_origin(circuits, &origin->target);
    return circuits_key(circuits, origin->circuit, call->flow->caller);
}

static void end(struct flight *flight, enum breaker_answer answer, uint64_t wait_ms)
{
    if (answer == BREAKER_WAIT)
        snprintf(flight->text, sizeof flight->text,
                 "the origin kept failing: its circuit is open for another %" PRIu64
                 " ms",
                 wait_ms);
    else
        snprintf(flight->text, sizeof flight->text,
                 "the origin kept failing: its circuit is half-open and being probed");
    loop_timer_clear(flight->fetcher->setup.loop, &flight->call->timer);
    flight_end(flight, CALL_CIRCUIT_OPEN, flight->text);
}

static enum breaker_answer ask(struct fetcher *fetcher, const struct call *call,
                               struct origin *origin, uint64_t *ret_wait_ms)
{
    if (!circuits_of(call))
        return BREAKER_PASS;
    return circuits_ask(circuits_of(call), key_of(call, origin),
                        fetcher->setup.loop->now_ms, ret_wait_ms);
}

bool fetcher_circuit_admits(struct fetcher *fetcher, struct call *call,
                            struct origin *origin)
{
    uint64_t wait_ms = 0;
    enum breaker_answer answer = ask(fetcher, call, origin, &wait_ms);
    if (answer == BREAKER_PASS)
        return true;
    end(call->flight ? call->flight : flight_take(fetcher, call), answer, wait_ms);
    return false;
}

bool flight_circuit_enter(struct flight *flight)
{
    struct fetcher *fetcher = flight->fetcher;
    struct circuits *circuits = circuits_of(flight->call);
    uint64_t wait_ms = 0;
    if (!circuits)
        return true;
    uint64_t key = key_of(flight->call, flight->call->origin);
    flight->circuits = circuits;
    enum breaker_answer answer = circuits_enter(
        circuits, key, fetcher->setup.loop->now_ms, &wait_ms, &flight->pass);
    if (answer != BREAKER_PASS)
        end(flight, answer, wait_ms);
    return answer == BREAKER_PASS;
}

static void tell(struct fetcher *fetcher, const struct call *call)
{
    struct circuit_notice notice = {.flow = call->flow, .target = &call->origin->target};
    metrics_add(fetcher->setup.metrics, METRIC_CIRCUITS_OPENED, 0, 1);
    (void)ask(fetcher, call, call->origin, &notice.open_ms);
    if (fetcher->setup.on_circuit_opened)
        fetcher->setup.on_circuit_opened(fetcher->setup.context, &notice);
}

static void leave(struct flight *flight, enum breaker_verdict verdict)
{
    struct fetcher *fetcher = flight->fetcher;
    if (circuits_leave(flight->circuits, &flight->pass, verdict,
                       fetcher->setup.loop->now_ms))
        tell(fetcher, flight->call);
}

void flight_circuit_leave(struct flight *flight)
{
    if (flight->pass.key != 0)
        leave(flight, BREAKER_NOTHING);
}

/* The gateway is out of ports: that is not the origin's doing. */
static bool is_own_fault(const struct flight *flight, enum call_code code)
{
    long number = 0;
    if (code != CALL_CONNECT || !flight->transfer)
        return false;
    curl_easy_getinfo(flight->transfer->easy, CURLINFO_OS_ERRNO, &number);
    return number == EADDRNOTAVAIL;
}

void flight_circuit_note(struct flight *flight, enum call_code code)
{
    if (flight->pass.key == 0)
        return;
    int status = flight->transfer ? flight->transfer->head.status : 0;
    leave(flight, is_own_fault(flight, code)
                      ? BREAKER_NOTHING
                      : breaker_judge(code, status, !flight->is_impatient));
}

/* ------------------------------------------------------------ those that wait for slots
 */

/* The first call of a claim, and whether it is its only one. */
static struct call *first_of(const struct claim *claim, bool *ret_is_last)
{
    const struct list *pairs = &claim->pairs;
    struct pair *pair = container_of(list_first(pairs), struct pair, node);
    struct list *node = list_first(&pair->calls);
    *ret_is_last = pair->node.next == pairs && node->next == &pair->calls;
    return container_of(node, struct call, node);
}

/* Refuses what waits in `claim` if its circuit is open; at most `left`, which it returns
 * less by what was refused. */
static size_t refuse_claim(struct fetcher *fetcher, const struct claim *claim,
                           size_t left)
{
    struct origin *origin = container_of(claim->gate, struct origin, gate);
    bool is_last = false;
    uint64_t wait_ms;
    while (left > 0 && !is_last) {
        struct call *call = first_of(claim, &is_last);
        enum breaker_answer answer = ask(fetcher, call, origin, &wait_ms);
        if (answer != BREAKER_WAIT)
            break;
        origins_leave(fetcher->origins, call, fetcher->setup.loop->now_us);
        end(call->flight ? call->flight : flight_take(fetcher, call), answer, wait_ms);
        left--;
    }
    return left;
}

static void on_look(struct timer *timer)
{
    (void)timer; /* fetcher_turn follows */
}

bool fetcher_circuits_opened(struct fetcher *fetcher)
{
    const struct circuits *circuits = fetcher->snapshot->circuits;
    struct list *parked = &fetcher->schedule->parked;
    size_t left = REFUSE_SLICE;
    if (!circuits || list_is_empty(parked))
        return false;
    if (!timer_is_set(&fetcher->circuit_timer)) {
        fetcher->circuit_timer.on_due = on_look;
        loop_timer_set(fetcher->setup.loop, &fetcher->circuit_timer,
                       fetcher->setup.loop->now_ms + LOOK_MS);
    }
    uint64_t openings = circuits_openings(circuits);
    if (openings == fetcher->openings_seen)
        return false;
    struct list *next;
    for (struct list *node = parked->next; node != parked && left > 0; node = next) {
        next = node->next;
        left = refuse_claim(fetcher, container_of(node, struct claim, all_node), left);
    }
    if (left > 0)
        fetcher->openings_seen = openings;
    return left == 0;
}
