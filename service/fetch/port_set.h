/* SPDX-License-Identifier: Apache-2.0 */
/* A set of TCP ports, from entries as the configuration writes them. Pure. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct port_set {
    uint64_t bits[65536 / 64];
};

/* port_range_parse reads "443" or "1024-65535"; ports are 1–65535. */
bool port_range_parse(const char *text, uint16_t *ret_first, uint16_t *ret_last,
                      struct error *err) MUST_CHECK;

/* port_set_add_text adds a port, a range, or "unsafe": the ports that the Fetch standard
 * forbids ("bad ports") and those of data stores and container engines that take commands
 * from anybody who can speak HTTP. */
bool port_set_add_text(struct port_set *set, const char *text,
                       struct error *err) MUST_CHECK;

static inline bool port_set_has(const struct port_set *set, uint16_t port)
{
    return (set->bits[port / 64] >> (port % 64)) & 1;
}
