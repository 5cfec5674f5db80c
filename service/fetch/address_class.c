/* SPDX-License-Identifier: Apache-2.0 */
/* The tables behind the egress policy: IANA's IPv4 and IPv6 Special-Purpose Address
 * Registries (RFC 6890 and what was added since), multicast, reserved space, the retired
 * site-local and 6bone prefixes, and the metadata addresses of the clouds. First match
 * wins, so a longer prefix stands before the shorter one around it.
 *
 * Refuses to look anything up and to guess: what no row names is public for IPv4, and for
 * IPv6 only inside 2000::/3, the one block IANA allocates from. Called by the guard. */
#include "fetch/address_class.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct class_row {
    struct ip_address prefix;
    unsigned length;
    enum address_class class;
    const char *name;
};

/* The eight groups of IPv6, written by their first bytes. */
#define V6(...)                                                                          \
    {                                                                                    \
        .bytes = { __VA_ARGS__ }                                                         \
    }

/* Asked for every address of every item: one comparison of a word a row. */
struct class_row_v4 {
    uint32_t prefix;
    uint32_t mask;
    enum address_class class;
    const char *name;
};

#define NET4(a, b, c, d, length)                                                         \
    (uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d),                                    \
        (uint32_t)(UINT64_C(0xffffffff00000000) >> (length))

static const struct class_row_v4 rows_v4[] = {
    /* Link-local and "own" addresses at which clouds serve credentials: AWS, GCP, Azure,
     * OpenStack and others; ECS tasks; EKS pods; Tencent; Alibaba; Azure's wire server;
     * Oracle's classic cloud. */
    {NET4(169, 254, 169, 254, 32), ADDRESS_METADATA, "metadata"},
    {NET4(169, 254, 170, 2, 32), ADDRESS_METADATA, "metadata"},
    {NET4(169, 254, 170, 23, 32), ADDRESS_METADATA, "metadata"},
    {NET4(169, 254, 0, 23, 32), ADDRESS_METADATA, "metadata"},
    {NET4(100, 100, 100, 200, 32), ADDRESS_METADATA, "metadata"},
    {NET4(168, 63, 129, 16, 32), ADDRESS_METADATA, "metadata"},
    {NET4(192, 0, 0, 192, 32), ADDRESS_METADATA, "metadata"},

    {NET4(0, 0, 0, 0, 8), ADDRESS_SPECIAL, "this network"},
    {NET4(10, 0, 0, 0, 8), ADDRESS_SPECIAL, "private"},
    {NET4(100, 64, 0, 0, 10), ADDRESS_SPECIAL, "shared (CGNAT)"},
    {NET4(127, 0, 0, 0, 8), ADDRESS_SPECIAL, "loopback"},
    {NET4(169, 254, 0, 0, 16), ADDRESS_SPECIAL, "link-local"},
    {NET4(172, 16, 0, 0, 12), ADDRESS_SPECIAL, "private"},
    {NET4(192, 0, 0, 0, 24), ADDRESS_SPECIAL, "protocol assignments"},
    {NET4(192, 0, 2, 0, 24), ADDRESS_SPECIAL, "documentation"},
    {NET4(192, 31, 196, 0, 24), ADDRESS_SPECIAL, "AS112"},
    {NET4(192, 52, 193, 0, 24), ADDRESS_SPECIAL, "AMT"},
    {NET4(192, 88, 99, 0, 24), ADDRESS_SPECIAL, "6to4 relay"},
    {NET4(192, 168, 0, 0, 16), ADDRESS_SPECIAL, "private"},
    {NET4(192, 175, 48, 0, 24), ADDRESS_SPECIAL, "AS112"},
    {NET4(198, 18, 0, 0, 15), ADDRESS_SPECIAL, "benchmarking"},
    {NET4(198, 51, 100, 0, 24), ADDRESS_SPECIAL, "documentation"},
    {NET4(203, 0, 113, 0, 24), ADDRESS_SPECIAL, "documentation"},
    {NET4(224, 0, 0, 0, 4), ADDRESS_SPECIAL, "multicast"},
    {NET4(240, 0, 0, 0, 4), ADDRESS_SPECIAL, "reserved"},
    {NET4(0, 0, 0, 0, 0), ADDRESS_PUBLIC, "public"},
};

#undef NET4

static const struct class_row rows_v6[] = {
    {V6(0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54), 128, ADDRESS_METADATA, "metadata"},
    {V6(0xfd, 0x00, 0x0e, 0xc2, [14] = 0x00, 0x23), 128, ADDRESS_METADATA, "metadata"},
    {V6(0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54), 128, ADDRESS_METADATA, "metadata"},

    {V6(0), 128, ADDRESS_SPECIAL, "unspecified"},
    {V6([15] = 1), 128, ADDRESS_SPECIAL, "loopback"},
    {V6([10] = 0xff, 0xff), 96, ADDRESS_SPECIAL, "IPv4-mapped"},
    {V6([8] = 0xff, 0xff), 96, ADDRESS_SPECIAL, "IPv4-translated"},
    {V6(0), 96, ADDRESS_SPECIAL, "IPv4-compatible"},
    {V6(0x00, 0x64, 0xff, 0x9b), 96, ADDRESS_SPECIAL, "NAT64"},
    {V6(0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), 48, ADDRESS_SPECIAL, "local NAT64"},
    {V6(0x01, 0x00), 64, ADDRESS_SPECIAL, "discard"},
    {V6(0x01, 0x00, [7] = 0x01), 64, ADDRESS_SPECIAL, "dummy prefix"},
    {V6(0x20, 0x01), 32, ADDRESS_SPECIAL, "Teredo"},
    {V6(0x20, 0x01, 0x00, 0x02), 48, ADDRESS_SPECIAL, "benchmarking"},
    {V6(0x20, 0x01, 0x00, 0x03), 32, ADDRESS_SPECIAL, "AMT"},
    {V6(0x20, 0x01, 0x00, 0x04, 0x01, 0x12), 48, ADDRESS_SPECIAL, "AS112"},
    {V6(0x20, 0x01, 0x00, 0x10), 28, ADDRESS_SPECIAL, "ORCHID"},
    {V6(0x20, 0x01, 0x00, 0x20), 28, ADDRESS_SPECIAL, "ORCHIDv2"},
    {V6(0x20, 0x01, 0x00, 0x30), 28, ADDRESS_SPECIAL, "drone identifiers"},
    {V6(0x20, 0x01), 23, ADDRESS_SPECIAL, "protocol assignments"},
    {V6(0x20, 0x01, 0x0d, 0xb8), 32, ADDRESS_SPECIAL, "documentation"},
    {V6(0x20, 0x02), 16, ADDRESS_SPECIAL, "6to4"},
    {V6(0x26, 0x20, 0x00, 0x4f, 0x80, 0x00), 48, ADDRESS_SPECIAL, "AS112"},
    {V6(0x3f, 0xfe), 16, ADDRESS_SPECIAL, "6bone"},
    {V6(0x3f, 0xff), 20, ADDRESS_SPECIAL, "documentation"},
    {V6(0x5f, 0x00), 16, ADDRESS_SPECIAL, "SRv6 identifiers"},
    {V6(0xfc), 7, ADDRESS_SPECIAL, "unique local"},
    {V6(0xfe, 0x80), 10, ADDRESS_SPECIAL, "link-local"},
    {V6(0xfe, 0xc0), 10, ADDRESS_SPECIAL, "site-local"},
    {V6(0xff), 8, ADDRESS_SPECIAL, "multicast"},
    {V6(0x20), 3, ADDRESS_PUBLIC, "public"},
    {V6(0), 0, ADDRESS_SPECIAL, "unallocated"},
};

/* Where an IPv6 prefix carries its IPv4 address: the index of each of the four bytes. */
struct embedding_row {
    struct ip_address prefix;
    unsigned length;
    uint8_t at[4];
    uint8_t mask; /* xored onto each byte: Teredo hides the client's address by 0xff */
};

static const struct embedding_row embeddings[] = {
    {V6([10] = 0xff, 0xff), 96, {12, 13, 14, 15}, 0},                  /* mapped */
    {V6([8] = 0xff, 0xff), 96, {12, 13, 14, 15}, 0},                   /* translated */
    {V6(0), 96, {12, 13, 14, 15}, 0},                                  /* compatible */
    {V6(0x00, 0x64, 0xff, 0x9b), 96, {12, 13, 14, 15}, 0},             /* NAT64 */
    {V6(0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), 48, {6, 7, 9, 10}, 0},    /* RFC 6052 /48 */
    {V6(0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), 48, {7, 9, 10, 11}, 0},   /* /56 */
    {V6(0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), 48, {9, 10, 11, 12}, 0},  /* /64 */
    {V6(0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), 48, {12, 13, 14, 15}, 0}, /* /96 */
    {V6(0x20, 0x02), 16, {2, 3, 4, 5}, 0},                             /* 6to4 */
    {V6(0x20, 0x01), 32, {4, 5, 6, 7}, 0},                             /* Teredo server */
    {V6(0x20, 0x01), 32, {12, 13, 14, 15}, 0xff},                      /* Teredo client */
};

#undef V6

bool ip_address_has_prefix(const struct ip_address *address,
                           const struct ip_address *prefix, unsigned length)
{
    if (address->is_v4 != prefix->is_v4)
        return false;
    unsigned whole = length / 8;
    unsigned rest = length % 8;
    if (memcmp(address->bytes, prefix->bytes, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    unsigned difference = address->bytes[whole] ^ prefix->bytes[whole];
    return difference >> (8 - rest) == 0;
}

static enum address_class class_of_v4(const uint8_t bytes[4], const char **ret_name)
{
    uint32_t address = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                       (uint32_t)bytes[2] << 8 | bytes[3];
    const struct class_row_v4 *row = rows_v4;
    while ((address & row->mask) != row->prefix)
        row++; /* ends: the last row fits all */
    *ret_name = row->name;
    return row->class;
}

static enum address_class class_of_v6(const struct ip_address *address,
                                      const char **ret_name)
{
    const struct class_row *row = rows_v6;
    while (!ip_address_has_prefix(address, &row->prefix, row->length))
        row++; /* likewise */
    *ret_name = row->name;
    return row->class;
}

enum address_class address_class_of(const struct ip_address *address,
                                    const char **ret_name)
{
    const char *name;
    enum address_class class =
        address->is_v4 ? class_of_v4(address->bytes, &name) : class_of_v6(address, &name);
    if (ret_name)
        *ret_name = name;
    return class;
}

/* :: and ::1 lie in the block of the IPv4-compatible addresses and are none. */
static bool is_plain_low(const struct ip_address *address)
{
    static const struct ip_address low = {0};
    return ip_address_has_prefix(address, &low, 127);
}

size_t address_embedded(const struct ip_address *address,
                        struct ip_address ret_inner[ADDRESS_EMBEDDED_MAX])
{
    size_t count = 0;
    if (is_plain_low(address))
        return 0;
    for (size_t i = 0; i < sizeof embeddings / sizeof *embeddings; i++) {
        const struct embedding_row *row = &embeddings[i];
        if (!ip_address_has_prefix(address, &row->prefix, row->length))
            continue;
        struct ip_address *inner = &ret_inner[count++];
        *inner = (struct ip_address){.is_v4 = true};
        for (size_t byte = 0; byte < 4; byte++)
            inner->bytes[byte] = address->bytes[row->at[byte]] ^ row->mask;
    }
    return count;
}

bool ip_address_from_sockaddr(const struct sockaddr *sockaddr,
                              struct ip_address *ret_address)
{
    struct ip_address address = {0};
    if (sockaddr->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sockaddr;
        address.is_v4 = true;
        memcpy(address.bytes, &in->sin_addr, 4);
    } else if (sockaddr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)sockaddr;
        memcpy(address.bytes, &in6->sin6_addr, 16);
    } else {
        return false;
    }
    *ret_address = address;
    return true;
}

void ip_address_to_sockaddr(const struct ip_address *address,
                            struct sockaddr_storage *ret_sockaddr)
{
    *ret_sockaddr = (struct sockaddr_storage){0};
    if (address->is_v4) {
        struct sockaddr_in *in = (void *)ret_sockaddr;
        in->sin_family = AF_INET;
        memcpy(&in->sin_addr, address->bytes, 4);
    } else {
        struct sockaddr_in6 *in6 = (void *)ret_sockaddr;
        in6->sin6_family = AF_INET6;
        memcpy(&in6->sin6_addr, address->bytes, 16);
    }
}

bool ip_address_parse(const char *text, struct ip_address *ret_address)
{
    struct ip_address address = {0};
    if (inet_pton(AF_INET, text, address.bytes) == 1)
        address.is_v4 = true;
    else if (inet_pton(AF_INET6, text, address.bytes) != 1)
        return false;
    *ret_address = address;
    return true;
}
