/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of maps ("auth.keys: - {name: …}"), read by the table of their fields. For
 * assign.c only. */
#pragma once

#include "config/assign.h"

#include <stddef.h>

/* assign_entries reads the `count` entries of `list` into the field of `option`, in place
 * of what it held. A map with a fault leaves what could be read. */
void assign_entries(const struct assignment *assignment, const struct option *option,
                    const struct tree_node *list, size_t count);

/* assign_entries_clear frees and wipes a list; `field` is its place in the struct. */
void assign_entries_clear(void *field, const struct option_entry *entry);
