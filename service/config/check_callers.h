/* SPDX-License-Identifier: Apache-2.0 */
/* What keys, and the entries that name them, must be together. For check.c only. */
#pragma once

#include "config/config.h"
#include "config/faults.h"

/* check_callers: at most two keys of one name, every id once; auth.limits and
 * egress.rules name keys that exist, each key once, and their numbers fit together.
 * `places` as for check_together. */
void check_callers(const struct config *config, const struct place *places,
                   struct faults *faults);
