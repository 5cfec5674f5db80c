/* SPDX-License-Identifier: Apache-2.0 */
/* The header by which a client says how much time it has left (fetch.deadline_header).
 * Pure. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* time_left_parse reads a whole number of milliseconds, digits alone or behind a minus:
 * less than nothing, as a client gets that takes the time gone by off its timeout, is
 * nothing. What is too large for *ret_ms is the largest. False: it is no such number. */
bool time_left_parse(struct slice text, uint64_t *ret_ms) MUST_CHECK;
