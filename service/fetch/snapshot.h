/* SPDX-License-Identifier: Apache-2.0 */
/* One configuration in use, and what is compiled from it for the upstream side: each
 * caller's terms with its egress policy, the authorities, the circuits. Never changed
 * once workers know it. A reload makes another one, and this one lives on for as long as
 * somebody holds it: each worker its current one, a request the one it came under, and
 * with it its batch, however long that takes; a parcel of its calls on another worker
 * too. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "config/config.h"
#include "fetch/caller.h"
#include "fetch/circuits.h"
#include "fetch/guard.h"
#include "fetch/tls_store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct snapshot;

/* What a caller may, under one configuration. */
struct terms {
    struct caller *caller;
    const struct guard *guard; /* what it may reach; callers without rules share one */
    bool may_set_host;         /* send a Host of its own */
    uint64_t max_items;        /* of one batch */
    uint64_t items_per_second; /* 0: no limit */
    uint64_t burst;
    uint64_t max_in_flight;
    struct snapshot *snapshot; /* whose terms these are */
};

struct snapshot {
    const struct config *config;
    struct config *owned;  /* the same, freed with the snapshot; NULL: not ours */
    struct guard **guards; /* one an entry of egress.rules, and the last without any */
    size_t guard_count;
    struct terms *terms; /* everybody's first */
    size_t terms_count;
    size_t *of_key;              /* index into terms, by index of the key */
    struct tls_store *tls_store; /* NULL until snapshot_share */
    struct circuits *circuits;   /* NULL: breakers are off */
    uint64_t circuit_seed;
    atomic_size_t holds;
};

/* snapshot_new compiles `config`, which must outlive it; fails when the egress policy
 * does not compile. Its one hold is the caller's. Changes no caller yet. */
struct snapshot *snapshot_new(struct callers *callers, const struct config *config,
                              struct error *err) MUST_CHECK;

/* snapshot_share makes its certificate store and its circuits, or takes those of
 * `previous` (NULL: there is none) where nothing of them has changed: so circuits keep
 * what they know, and connections can be used on. Before workers know it. */
bool snapshot_share(struct snapshot *snapshot, const struct snapshot *previous,
                    struct error *err) MUST_CHECK;

/* snapshot_own hands `config` over, which it was made of. */
void snapshot_own(struct snapshot *snapshot, struct config *config);

/* snapshot_add_own: nobody may reach `listener`, one of gatherd's own (guard_add_own);
 * `known`: what it refuses is asked before the system is, NULL: there is none. Before
 * workers know it. */
bool snapshot_add_own(struct snapshot *snapshot, const struct sockaddr *listener,
                      const struct snapshot *known, struct error *err) MUST_CHECK;

/* snapshot_apply gives each caller its limits: rates, places, and for those with keys, if
 * there are several, a share of `in_flight`, which stays the owner's. What a caller has
 * used up stays used up. The moment from which they hold; main's thread, also while
 * workers run. */
void snapshot_apply(const struct snapshot *snapshot, const struct budget *in_flight);

/* Any thread. The last one frees it. */
struct snapshot *snapshot_hold(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot); /* NULL is fine */

/* snapshot_everybody: where no key is asked for. snapshot_of_key: the owner of the key at
 * `index` in config->auth.keys. Any thread. */
static inline const struct terms *snapshot_everybody(const struct snapshot *snapshot)
{
    return &snapshot->terms[0];
}
const struct terms *snapshot_of_key(const struct snapshot *snapshot, size_t index);
