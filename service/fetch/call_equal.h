/* SPDX-License-Identifier: Apache-2.0 */
/* When two calls are the same request: what one is answered answers the other too. Pure.
 */
#pragma once

#include "fetch/call.h"

#include <stdbool.h>
#include <stdint.h>

/* call_may_coalesce: nothing is changed by it (GET or HEAD, RFC 9110 9.2.1) and it has no
 * body. */
bool call_may_coalesce(const struct call *call);

/* call_is_equal: of the same caller (two callers never share: what one may see is no
 * business of the other, and they may be allowed to reach different things), of the same
 * method, byte for byte the same URL and headers in the same order, and with the same
 * limits that make a difference to the reply: body_max_bytes, redirects,
 * connect_timeout_ms. Total time and deadline may differ: each waits for as long as it
 * likes. */
bool call_is_equal(const struct call *a, const struct call *b);

/* call_hash is the same for equal calls; `start` must be random, as callers choose the
 * rest. */
uint64_t call_hash(const struct call *call, uint64_t start);
