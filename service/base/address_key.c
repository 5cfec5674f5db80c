/* SPDX-License-Identifier: Apache-2.0 */
/* From a socket address to the key under which its owner is counted. It judges nothing;
 * address_counts.c and http/ count. */
#include "base/address_key.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint64_t mapped = 0xffffULL << 32; /* ::ffff:0:0/96, its last 64 bits */

static uint64_t read_u64(const unsigned char *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void take_ipv6(const struct in6_addr *address, struct address_key *key)
{
    uint64_t last = read_u64(address->s6_addr + 8);
    key->network = read_u64(address->s6_addr);
    if (key->network == 0 && last >> 32 == mapped >> 32)
        key->host = last;
}

bool address_key_of(const struct sockaddr *address, struct address_key *ret_key)
{
    *ret_key = (struct address_key){0};
    if (address && address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        ret_key->host = mapped | ntohl(in.sin_addr.s_addr);
        return true;
    }
    if (address && address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        take_ipv6(&in.sin6_addr, ret_key);
        return true;
    }
    return false;
}

bool address_key_is_loopback(const struct address_key *key)
{
    return key->network == 0 &&
           (key->host == 0 || key->host >> 24 == (mapped | 127u << 24) >> 24);
}

/* The finalizer of MurmurHash3: every bit of the input reaches every bit of the output.
 */
static uint64_t mix(uint64_t value)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    return value ^ value >> 33;
}

uint64_t address_key_hash(const struct address_key *key, uint64_t secret)
{
    return mix(mix(key->network ^ secret) + (key->host ^ secret));
}
