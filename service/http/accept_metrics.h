/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of the metrics page a scraper wants, by its Accept header. Pure. */
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* accept_metrics_is_open: OpenMetrics is named, and not liked less than text/plain;
 * ranges with a star name nothing. */
bool accept_metrics_is_open(const struct slice *lines, size_t count);
