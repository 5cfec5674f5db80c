/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses from which wrong keys come: after so many within a minute the address is held
 * back until the minute is over, without its keys being looked at. Guessing a key that
 * gatherd made is hopeless; this is for keys people made up, and it keeps a flood from
 * measuring anything.
 *
 * An address that showed a sound key lately is not held back: behind it is a proxy or a
 * NAT with callers of ours, and one of them with an old key must not lock out the others.
 *
 * Bounded: a table of fixed size, where the address not heard of for longest gives way.
 * Pure, time comes in; one table a worker, which counts for itself. */
#pragma once

#include "base/address_key.h"
#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AUTH_FAILURES_SETS = 256,
    AUTH_FAILURES_WAYS = 8, /* where an address may stand: a set of so many places */
    AUTH_FAILURES_WINDOW_MS = 60 * 1000,
    AUTH_FAILURES_TRUST_MS = 10 * 60 * 1000, /* how long a sound key speaks for it */
};

struct auth_failures {
    uint64_t secret; /* random, set before the first call */
    struct auth_failure {
        struct address_key key;
        uint64_t window_ms; /* when the first wrong key of this minute came */
        uint64_t good_ms;   /* when the last sound one came, if is_trusted */
        uint64_t heard_ms;
        uint32_t count; /* wrong keys since window_ms */
        bool is_trusted;
        bool is_used;
    } sets[AUTH_FAILURES_SETS][AUTH_FAILURES_WAYS];
};

/* auth_failures_wait_s returns for how many seconds the address is held back, at least 1,
 * or 0: its key may be looked at. `limit` is what it may have wrong in a minute. */
unsigned auth_failures_wait_s(const struct auth_failures *failures,
                              const struct address_key *key, unsigned limit,
                              uint64_t now_ms);

/* auth_failures_add: a wrong key came. auth_failures_forgive: a sound one did. */
void auth_failures_add(struct auth_failures *failures, const struct address_key *key,
                       uint64_t now_ms);
void auth_failures_forgive(struct auth_failures *failures, const struct address_key *key,
                           uint64_t now_ms);
