/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of address an IP address is: the IANA special-purpose registries as tables,
 * and the IPv4 addresses hidden in IPv6 ones. Pure; compares bytes, never text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address in network byte order; IPv4 uses the first 4 bytes, the rest is zero. */
struct ip_address {
    bool is_v4;
    uint8_t bytes[16];
};

enum address_class {
    ADDRESS_PUBLIC,   /* an ordinary host on the Internet */
    ADDRESS_SPECIAL,  /* in a special-purpose registry, or outside global unicast */
    ADDRESS_METADATA, /* where clouds hand credentials to whoever asks from the machine */
};

/* address_class_of classifies the address itself; what it embeds is judged apart
 * (address_embedded). `ret_name`, unless NULL, becomes the constant name of the row: for
 * logs and tests ("loopback", "6to4"); "public" when no row matches.
 *
 * A form that embeds IPv4 (mapped, compatible, translated, NAT64, 6to4, Teredo) is
 * SPECIAL whatever is inside. Also SPECIAL are the blocks that the registries call
 * globally reachable (AS112, AMT, anycast for port control and TURN, ORCHIDv2): they
 * serve infrastructure, no ordinary host lives there. */
enum address_class address_class_of(const struct ip_address *address,
                                    const char **ret_name);

/* The most IPv4 addresses one IPv6 address can hide: 64:ff9b:1::/48 leaves the place of
 * the IPv4 address to the site (RFC 8215), one of four (RFC 6052 2.2). */
enum { ADDRESS_EMBEDDED_MAX = 4 };

/* address_embedded writes the IPv4 addresses that `address` may stand for and returns how
 * many; 0 for IPv4 and for plain IPv6. */
size_t address_embedded(const struct ip_address *address,
                        struct ip_address ret_inner[ADDRESS_EMBEDDED_MAX]);

/* ip_address_from_sockaddr: false when the family is neither AF_INET nor AF_INET6. */
bool ip_address_from_sockaddr(const struct sockaddr *sockaddr,
                              struct ip_address *ret_address);
/* ip_address_to_sockaddr writes it with port 0. */
void ip_address_to_sockaddr(const struct ip_address *address,
                            struct sockaddr_storage *ret_sockaddr);
/* ip_address_parse takes dotted decimal with four parts, or IPv6 text without brackets
 * and zone. */
bool ip_address_parse(const char *text, struct ip_address *ret_address);

static inline unsigned ip_address_bits(const struct ip_address *address)
{
    return address->is_v4 ? 32 : 128;
}

/* ip_address_has_prefix: same family, the same first `length` bits. */
bool ip_address_has_prefix(const struct ip_address *address,
                           const struct ip_address *prefix, unsigned length);
