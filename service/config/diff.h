/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two configurations, by the table of options. Pure. */
#pragma once

#include "config/config.h"
#include "config/options.h"

#include <stdbool.h>

enum { DIFF_TEXT_MAX = 200 }; /* of a value, for people: longer ones end in "…" */

/* An option that has another value. What it was and what it is are as a file would have
 * it; of lists of entries only how many there are and, where they have some, their names;
 * of secrets and files nothing. */
struct config_change {
    const struct option *option;
    char before[DIFF_TEXT_MAX + 4];
    char after[DIFF_TEXT_MAX + 4];
};

typedef void config_change_fn(const struct config_change *change, void *context);

/* config_diff calls `on_change` for each option that differs, in the order of the table,
 * and returns how many there are. The key of server.tls is compared by its digest. */
size_t config_diff(const struct config *before, const struct config *after,
                   config_change_fn *on_change, void *context);

/* config_differs: the option `path` has another value. */
bool config_differs(const struct config *before, const struct config *after,
                    const char *path);
