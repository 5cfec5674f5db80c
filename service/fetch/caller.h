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
};

struct callers;

/* callers_new needs `config` to outlive it; fails when the egress policy does not
 * compile. */
struct callers *callers_new(const struct config *config, struct error *err) MUST_CHECK;
void callers_free(struct callers *callers);

/* callers_everybody: where no key is asked for. callers_of_key: the owner of the key at
 * `index` in config->auth.keys. Any thread. */
struct caller *callers_everybody(struct callers *callers);
struct caller *callers_of_key(struct callers *callers, size_t index);

/* callers_add_own: nobody may reach `listener`, one of gatherd's own (guard_add_own).
 * Only before workers run. */
bool callers_add_own(struct callers *callers, const struct sockaddr *listener,
                     struct error *err) MUST_CHECK;
