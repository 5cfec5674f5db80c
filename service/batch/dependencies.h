/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for whom. Pure; in time linear in items and edges. */
#pragma once

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>

struct dependency {
    size_t item;
    size_t needs;
};

/* Both directions, as runs: those item i needs stand in needs[needs_at[i]] up to
 * needs[needs_at[i + 1]], those that need it in users[users_at[i]] and on. */
struct dependencies {
    size_t item_count;
    size_t edge_count;
    size_t *needs_at; /* item_count + 1 */
    size_t *needs;
    size_t *users_at;
    size_t *users;
};

/* dependencies_make takes edges between `item_count` items, in any order; the same one
 * given twice counts once, at its first place. False: there is no memory. */
bool dependencies_make(struct dependencies *dependencies, size_t item_count,
                       const struct dependency *edges, size_t edge_count) MUST_CHECK;
void dependencies_done(struct dependencies *dependencies);

/* dependencies_find_cycle finds items of which each needs the next and the last the
 * first; *ret_count of them, 0 when there is no cycle. Free *ret_cycle. An item that
 * needs itself is a cycle of one. False: there is no memory. */
bool dependencies_find_cycle(const struct dependencies *dependencies, size_t **ret_cycle,
                             size_t *ret_count) MUST_CHECK;
