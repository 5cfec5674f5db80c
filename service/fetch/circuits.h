/* SPDX-License-Identifier: Apache-2.0 */
/* The circuits of a process: a breaker (breaker.h) for each origin that calls go to,
 * shared by all workers, so that an origin that is down is down for all of them at once.
 *
 * Whose circuit? breaker.scope: caller (the default) keeps one for each caller and
 * origin: nobody can have an origin shut for others, by asking it for what it answers
 * with 503, say. With scope: process there is one for each origin: callers that trust one
 * another learn from each other's failures.
 *
 * A table of fixed size. When a set of it is full the circuit goes that is missed least:
 * a closed one without failures, the longest unused first; else any closed one; else the
 * one that would be probed first. What was not noted is as if closed. Any thread; a lock
 * for each set of four, held for some ten nanoseconds. */
#pragma once

#include "config/config.h"
#include "fetch/breaker.h"
#include "fetch/guard.h"

#include <stddef.h>
#include <stdint.h>

struct caller;
struct circuits;
struct flow;

/* A circuit was opened; valid only while it is told. */
struct circuit_notice {
    const struct flow *flow; /* whose call was the last that failed */
    const struct target *target;
    uint64_t open_ms; /* for how long */
};

/* circuits_new: NULL when breaker: asks for nothing. `seed`: random, the same for all of
 * a process, so that an origin's name is the same for those of every configuration.
 * circuits_are_alike: what two configurations ask for is the same. */
struct circuits *circuits_new(const struct config *config, uint64_t seed);
bool circuits_are_alike(const struct config *one, const struct config *other);
/* Counted: each hold, and circuits_new's, ends with a circuits_free. NULL is fine. */
struct circuits *circuits_hold(struct circuits *circuits);
void circuits_free(struct circuits *circuits);

/* circuits_origin names an origin, circuits_key the circuit of it that `caller` has;
 * never 0. */
uint64_t circuits_origin(const struct circuits *circuits, const struct target *target);
uint64_t circuits_key(const struct circuits *circuits, uint64_t origin,
                      const struct caller *caller);

/* What a call that was let through holds until circuits_leave. Zeros: nothing. */
struct circuit_pass {
    uint64_t key;
    uint64_t era;
};

/* breaker_ask, _enter and _leave of the circuit `key`. circuits_leave empties `pass`; a
 * no-op on an empty one. */
enum breaker_answer circuits_ask(struct circuits *circuits, uint64_t key, uint64_t now_ms,
                                 uint64_t *ret_wait_ms);
enum breaker_answer circuits_enter(struct circuits *circuits, uint64_t key,
                                   uint64_t now_ms, uint64_t *ret_wait_ms,
                                   struct circuit_pass *ret_pass);
bool circuits_leave(struct circuits *circuits, struct circuit_pass *pass,
                    enum breaker_verdict verdict, uint64_t now_ms) MUST_CHECK;

/* circuits_openings counts up with every circuit opened: if it has not changed, nothing
 * that was closed is open. */
uint64_t circuits_openings(const struct circuits *circuits);

enum { CIRCUITS_MAX = 2048 }; /* 300 KiB: the origins a gateway talks to at a time */

enum circuit_state { CIRCUIT_OFF, CIRCUIT_CLOSED, CIRCUIT_HALF_OPEN, CIRCUIT_OPEN };

/* The circuits that are not closed, at one moment. */
struct circuit_list {
    bool is_off; /* there are no circuits at all */
    size_t count;
    struct {
        uint64_t key;
        enum circuit_state state;
    } items[CIRCUITS_MAX];
};
/* circuits_list writes them to `ret_list`; NULL: there are none. circuit_list_state: of
 * the origin with that circuits_origin; where callers have circuits of their own, the
 * worst of theirs. */
void circuits_list(struct circuits *circuits, uint64_t now_ms,
                   struct circuit_list *ret_list);
enum circuit_state circuit_list_state(const struct circuit_list *list, uint64_t origin);

struct circuit_counts {
    size_t open;      /* refuse everything */
    size_t half_open; /* probed, or waiting for a call to probe them with */
};
/* circuits_count forgets on the way those nobody has asked for in a long time. */
struct circuit_counts circuits_count(struct circuits *circuits, uint64_t now_ms);
