/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections each client address has open, for
 * server.max_connections_per_address. Bounded: a slot for each address that may have a
 * connection, and as many again whose last one has ended. Addresses are those of
 * base/address_key.h. No sockets, no clock.
 *
 * The listener's thread takes; whichever thread a connection ends in releases, without a
 * lock: it only lowers the slot's figure, and the listener's thread finds empty slots
 * when it looks for one. */
#pragma once

#include "base/address_key.h"
#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_counts;

/* address_counts_new: at most `limit` (≥ 1) connections of one address, `open_max` of
 * all, with descriptors below `fd_max`; `secret` is random. About 50 bytes for each of
 * open_max and 4 for each of fd_max. */
struct address_counts *address_counts_new(unsigned limit, size_t open_max, size_t fd_max,
                                          uint64_t secret);
void address_counts_free(struct address_counts *counts); /* NULL is fine */

/* address_counts_take counts the connection `fd` of `key`; false when the address has as
 * many as it may. One thread only. A descriptor that comes again without a release has
 * been closed in between: its first connection ends with that. */
bool address_counts_take(struct address_counts *counts, const struct address_key *key,
                         int fd) MUST_CHECK;

/* address_counts_release: the connection `fd` ends; before the descriptor is closed. One
 * that is not counted is no matter. Any thread. */
void address_counts_release(struct address_counts *counts, int fd);
