/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of reply_pace.h. A bound on the whole time, not on what was taken so
 * far: it needs no figure from the kernel, which unix sockets do not have. client.c asks
 * at each look at a reply's progress. */
#include "http/reply_pace.h"

enum { TIGHT_FACTOR = 256 }; /* 1 MiB/s by default: 64 MiB are gone in a minute */

uint64_t reply_pace_limit_ms(uint64_t len, uint64_t grace_ms, uint64_t bytes_per_s,
                             bool is_tight)
{
    if (bytes_per_s == 0)
        return UINT64_MAX;
    uint64_t rate = is_tight ? bytes_per_s * TIGHT_FACTOR : bytes_per_s;
    return grace_ms + len * 1000 / rate;
}
