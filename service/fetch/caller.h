/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends batches, and what it may: everybody, or the owner of an API key. Made once
 * from the configuration; two keys of one name (one being replaced by the other) are one
 * caller. A caller is read-only but for its counters, which all workers share. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/rate.h"
#include "config/config.h"
#include "fetch/budget.h"
#include "fetch/guard.h"

#include <stddef.h>
#include <sys/socket.h>

struct caller {
    const char *name;          /* the key's; "" for everybody. The configuration's */
    const struct guard *guard; /* what it may reach; callers without rules share one */
    bool may_set_host;         /* send a Host of its own */
    uint64_t max_items;        /* of one batch */

    /* Shared by all workers. */
    struct rate items;       /* items of its batches: taken by the front, once a batch;
                                and each redirect followed */
    struct budget in_flight; /* one place a dispatched item: taken when it is dispatched,
                                given back with its place in budgets.in_flight; items it
                                has no place for wait. UINT64_MAX: no limit */
    const struct budget *whole; /* budgets.in_flight, to be shared with other callers;
                                   NULL: there are none */
};

/* caller_take_place takes a place in `in_flight`, after one of the process. False: it has
 * reached its limit or, as one of several callers, its share of the process's places:
 * eight for each that is free, and eight. So one caller alone gets eight ninths of all,
 * and whatever it asks for there are places left for the next. (Choudhury and Hahne 1998,
 * dynamic thresholds.) caller_has_places: it is worth asking so many times.
 * caller_give_place takes one back. Any thread. */
bool caller_take_place(struct caller *caller);
bool caller_has_places(const struct caller *caller, uint64_t count);
void caller_give_place(struct caller *caller);

struct callers;

/* callers_new needs `config` to outlive it; fails when the egress policy does not
 * compile. */
struct callers *callers_new(const struct config *config, struct error *err) MUST_CHECK;
void callers_free(struct callers *callers);

/* callers_everybody: where no key is asked for. callers_of_key: the owner of the key at
 * `index` in config->auth.keys. Any thread. */
struct caller *callers_everybody(struct callers *callers);
struct caller *callers_of_key(struct callers *callers, size_t index);

/* callers_share: those with keys, if there are several, share the places of `in_flight`,
 * which stays the owner's. Only before workers run. */
void callers_share(struct callers *callers, const struct budget *in_flight);

/* callers_add_own: nobody may reach `listener`, one of gatherd's own (guard_add_own).
 * Only before workers run. */
bool callers_add_own(struct callers *callers, const struct sockaddr *listener,
                     struct error *err) MUST_CHECK;
