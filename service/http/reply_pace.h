/* SPDX-License-Identifier: Apache-2.0 */
/* How long a client may take for its reply. A reader that takes a few bytes now and then
 * never stalls, and would hold its reply, up to the whole of memory.reply_budget with a
 * handful of connections, for as long as it likes. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* reply_pace_limit_ms: from the moment the reply begins to leave until the client is cut
 * off: the grace, and what `len` bytes take at `bytes_per_s` (0: UINT64_MAX, no limit).
 * While memory is tight, at 256 times that rate: replies that wait for slow readers are
 * then what keeps new batches out. */
uint64_t reply_pace_limit_ms(uint64_t len, uint64_t grace_ms, uint64_t bytes_per_s,
                             bool is_tight);
