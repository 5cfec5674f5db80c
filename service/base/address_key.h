/* SPDX-License-Identifier: Apache-2.0 */
/* By what clients are told apart when they are counted: the IPv4 address, also when it
 * comes written as IPv6, and of an IPv6 address the first 64 bits, because the rest is
 * one subscriber's to choose (RFC 6177, RFC 4291 2.5.1). Pure. */
#pragma once

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct address_key {
    uint64_t network; /* IPv6: the first 64 bits; IPv4: 0 */
    uint64_t host;    /* IPv4: ::ffff:a.b.c.d's last 64 bits; IPv6: 0 */
};

/* address_key_of returns false for an address without a number (a unix socket's); then
 * *ret_key is all zero. */
bool address_key_of(const struct sockaddr *address, struct address_key *ret_key);

/* address_key_is_loopback: 127.0.0.0/8. Of ::1 the first 64 bits are those of the
 * addresses `::x`, which no client on a network has; they count as loopback too. */
bool address_key_is_loopback(const struct address_key *key);

static inline bool address_key_is_equal(const struct address_key *a,
                                        const struct address_key *b)
{
    return a->network == b->network && a->host == b->host;
}

/* address_key_hash mixes the key with a secret: without it clients could choose addresses
 * that meet in one place of a table. */
uint64_t address_key_hash(const struct address_key *key, uint64_t secret);
