/* SPDX-License-Identifier: Apache-2.0 */
/* Who is calling. A key is "gd_ID_SECRET"; what is stored is its id, which is no secret,
 * and the SHA-256 of the whole. Pure but for the configuration.
 *
 * The id finds the one hash to compare with, in constant time. An id that nobody has
 * costs what a wrong secret costs: as many steps of the search, one hash, one comparison
 * (with a hash that nothing has). Keys without an id, made before there were ids, are all
 * compared each time. */
#pragma once

#include "base/slice.h"
#include "config/config.h"

#include <stdbool.h>

struct auth; /* the configured keys, sorted by id */

/* auth_new needs `config` to outlive it. */
struct auth *auth_new(const struct config *config);
void auth_free(struct auth *auth); /* NULL is fine */

/* auth_is_required: the mode is `keys`, or `auto` and there are keys. (That `auto`
 * without keys does not start on a public address is the configuration's rule, enforced
 * at start.) */
bool auth_is_required(const struct config *config);

/* What a look at a key found, and what it cost: the same for every key of one shape. */
struct auth_result {
    const struct config_key *key; /* NULL: none, or a wrong one */
    unsigned hashes;
    unsigned comparisons;
};

/* auth_find judges the key presented by `Authorization: Bearer KEY`, or without an
 * Authorization header by `X-Api-Key: KEY`. It keeps nothing of it. Any thread. */
struct auth_result auth_find(const struct auth *auth, struct slice authorization,
                             struct slice api_key);
