/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of an origin: FNV-1a over scheme, port and host from a start that must be
 * random: callers choose the hosts, and must not choose who shares a bucket with whom. */
#pragma once

#include "fetch/guard.h"

#include <stdint.h>

static inline uint64_t target_hash(const struct target *target, uint64_t start)
{
    uint64_t hash = start ^ (((uint64_t)target->port << 1) | target->is_https);
    for (const char *at = target->host; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
    return hash ^ (hash >> 29);
}
