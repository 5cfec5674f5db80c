/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the known name nearest to a misspelt one. */
#pragma once

#include "base/slice.h"

#include <stddef.h>

/* nearest_name returns the entry of `names` with the smallest Damerau-Levenshtein
 * distance (ASCII case and '_', '-' differences count as nothing) if it is near enough to
 * be meant (at most a third of the longer length, at least 1), else NULL. Names over 64
 * bytes are never near. */
const char *nearest_name(struct slice wrong, const char *const *names, size_t count);
