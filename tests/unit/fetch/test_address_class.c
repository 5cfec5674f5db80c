/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/address_class.h against a table written apart from it, as ranges of text: every
 * edge, one below and one above. */
#include "fetch/address_class.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

/* First and last address of what is not public. Taken from the IANA registries
 * (iana-ipv4-special-registry, iana-ipv6-special-registry, multicast and IPv6 address
 * space). */
struct range {
    const char *first;
    const char *last;
};

static const struct range special_v4[] = {
    {"0.0.0.0", "0.255.255.255"},           {"10.0.0.0", "10.255.255.255"},
    {"100.64.0.0", "100.127.255.255"},      {"127.0.0.0", "127.255.255.255"},
    {"169.254.0.0", "169.254.255.255"},     {"172.16.0.0", "172.31.255.255"},
    {"192.0.0.0", "192.0.0.255"},           {"192.0.2.0", "192.0.2.255"},
    {"192.31.196.0", "192.31.196.255"},     {"192.52.193.0", "192.52.193.255"},
    {"192.88.99.0", "192.88.99.255"},       {"192.168.0.0", "192.168.255.255"},
    {"192.175.48.0", "192.175.48.255"},     {"198.18.0.0", "198.19.255.255"},
    {"198.51.100.0", "198.51.100.255"},     {"203.0.113.0", "203.0.113.255"},
    {"224.0.0.0", "239.255.255.255"},       {"240.0.0.0", "255.255.255.255"},
    {"168.63.129.16", "168.63.129.16"},     {"100.100.100.200", "100.100.100.200"},
    {"169.254.169.254", "169.254.169.254"},
};

static const struct range special_v6[] = {
    {"::", "::"},
    {"::1", "::1"},
    {"::", "::ffff:ffff"},
    {"::ffff:0:0", "::ffff:ffff:ffff"},
    {"::ffff:0:0:0", "::ffff:0:ffff:ffff"},
    {"64:ff9b::", "64:ff9b::ffff:ffff"},
    {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"},
    {"100::", "100::ffff:ffff:ffff:ffff"},
    {"100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"},
    {"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:1::1", "2001:1::1"},
    {"2001:1::2", "2001:1::2"},
    {"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"},
    {"2001:3::", "2001:3:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff"},
    {"2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:30::", "2001:3f:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"},
    {"3ffe::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fd00:ec2::254", "fd00:ec2::254"},
    {"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    /* all that is not 2000::/3, the only block addresses are given from */
    {"::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
};

static struct ip_address parse(const char *text)
{
    struct ip_address address;
    cr_assert(ip_address_parse(text, &address), "%s", text);
    return address;
}

/* The bytes of the two families compare like numbers. */
static bool is_within(const struct ip_address *address, const struct range *range)
{
    struct ip_address first = parse(range->first);
    struct ip_address last = parse(range->last);
    return memcmp(address->bytes, first.bytes, 16) >= 0 &&
           memcmp(address->bytes, last.bytes, 16) <= 0;
}

static bool is_special_here(const struct ip_address *address)
{
    const struct range *ranges = address->is_v4 ? special_v4 : special_v6;
    size_t count = address->is_v4 ? sizeof special_v4 / sizeof *special_v4
                                  : sizeof special_v6 / sizeof *special_v6;
    for (size_t i = 0; i < count; i++) {
        if (is_within(address, &ranges[i]))
            return true;
    }
    return false;
}

/* One step up or down; false when that leaves the family's space. */
static bool step(struct ip_address *address, int by)
{
    for (int i = address->is_v4 ? 3 : 15; i >= 0; i--) {
        address->bytes[i] = (uint8_t)(address->bytes[i] + by);
        if (address->bytes[i] != (by > 0 ? 0x00 : 0xff))
            return true;
    }
    return false;
}

static void check(const struct ip_address *address)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(address->is_v4 ? AF_INET : AF_INET6, address->bytes, text, sizeof text);
    const char *name = NULL;
    bool is_special = address_class_of(address, &name) != ADDRESS_PUBLIC;
    cr_assert(eq(int, is_special, is_special_here(address)), "%s is \"%s\"", text, name);
}

static void check_edge(const char *text)
{
    struct ip_address at = parse(text);
    check(&at);
    struct ip_address below = at;
    if (step(&below, -1))
        check(&below);
    struct ip_address above = at;
    if (step(&above, 1))
        check(&above);
}

/* S1: the IANA registry, both ends ± 1. */
Test(address_class, every_edge_of_every_ipv4_range_is_where_the_registry_has_it)
{
    for (size_t i = 0; i < sizeof special_v4 / sizeof *special_v4; i++) {
        check_edge(special_v4[i].first);
        check_edge(special_v4[i].last);
    }
}

/* S2: the IANA registry, both ends ± 1. */
Test(address_class, every_edge_of_every_ipv6_range_is_where_the_registry_has_it)
{
    for (size_t i = 0; i < sizeof special_v6 / sizeof *special_v6; i++) {
        check_edge(special_v6[i].first);
        check_edge(special_v6[i].last);
    }
    check_edge("2000::");
    check_edge("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

/* S1: against an independent table. */
Test(address_class, a_sweep_over_all_of_ipv4_agrees_with_the_ranges)
{
    /* An odd step visits every /16 many times and every last byte. */
    const uint32_t stride = 40009;
    uint32_t number = 0;
    for (uint32_t left = UINT32_MAX / stride; left > 0; left--, number += stride) {
        struct ip_address address = {.is_v4 = true};
        uint32_t wire = htonl(number);
        memcpy(address.bytes, &wire, 4);
        check(&address);
    }
}

Test(address_class, ordinary_hosts_are_public)
{
    static const char *const hosts[] = {
        "1.1.1.1",         "8.8.8.8",         "93.184.216.34",  "172.15.255.255",
        "172.32.0.0",      "192.0.1.0",       "198.17.255.255", "198.20.0.0",
        "223.255.255.255", "2606:4700::1111", "2a00:1450::1",   "2001:4860:4860::8888",
        "2620:4f:8001::1", "3fff:1000::1",
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct ip_address address = parse(hosts[i]);
        cr_expect(eq(int, address_class_of(&address, NULL), ADDRESS_PUBLIC), "%s",
                  hosts[i]);
    }
}

/* S3: the list of metadata addresses. */
Test(address_class, metadata_addresses_are_a_class_of_their_own)
{
    static const char *const hosts[] = {"169.254.169.254", "169.254.170.2",
                                        "100.100.100.200", "168.63.129.16",
                                        "fd00:ec2::254"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct ip_address address = parse(hosts[i]);
        cr_expect(eq(int, address_class_of(&address, NULL), ADDRESS_METADATA), "%s",
                  hosts[i]);
        cr_assert(step(&address, 1));
        cr_expect(ne(int, address_class_of(&address, NULL), ADDRESS_METADATA));
    }
}

static bool embeds(const char *outer, const char *inner)
{
    struct ip_address address = parse(outer);
    struct ip_address wanted = parse(inner);
    struct ip_address found[ADDRESS_EMBEDDED_MAX];
    size_t count = address_embedded(&address, found);
    for (size_t i = 0; i < count; i++) {
        if (found[i].is_v4 && memcmp(found[i].bytes, wanted.bytes, 4) == 0)
            return true;
    }
    return false;
}

/* S2: mapped, compatible, NAT64, 6to4, Teredo, ISATAP. */
Test(address_class, ipv4_inside_ipv6_is_found_in_every_form)
{
    cr_expect(embeds("::ffff:10.1.2.3", "10.1.2.3"), "mapped");
    cr_expect(embeds("::10.1.2.3", "10.1.2.3"), "compatible");
    cr_expect(embeds("::ffff:0:10.1.2.3", "10.1.2.3"), "translated");
    cr_expect(embeds("64:ff9b::10.1.2.3", "10.1.2.3"), "NAT64");
    cr_expect(embeds("64:ff9b:1:a01:2:300::", "10.1.2.3"), "local NAT64, /48");
    cr_expect(embeds("64:ff9b:1:7a:1:203::", "122.1.2.3"), "local NAT64, /56");
    cr_expect(embeds("64:ff9b:1:0:a:102:300::", "10.1.2.3"), "local NAT64, /64");
    cr_expect(embeds("64:ff9b:1::10.1.2.3", "10.1.2.3"), "local NAT64, /96");
    cr_expect(embeds("2002:a01:203::1", "10.1.2.3"), "6to4");
    cr_expect(embeds("2001:0:a01:203::1", "10.1.2.3"), "Teredo server");
    cr_expect(embeds("2001:0:4136:e378:8000:63bf:f5fe:fdfc", "10.1.2.3"),
              "Teredo client");
}

Test(address_class, plain_addresses_embed_nothing)
{
    static const char *const plain[] = {"::", "::1", "10.1.2.3", "2606:4700::a01:203",
                                        "fe80::a01:203"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        struct ip_address address = parse(plain[i]);
        struct ip_address found[ADDRESS_EMBEDDED_MAX];
        cr_expect(eq(sz, address_embedded(&address, found), 0), "%s", plain[i]);
    }
}

Test(address_class, a_socket_address_of_another_family_is_no_address)
{
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct ip_address address;
    cr_expect(not(ip_address_from_sockaddr(&local, &address)));
}

Test(address_class, a_socket_address_and_back_is_the_same)
{
    static const char *const texts[] = {"192.0.2.1", "2001:db8::1", "0.0.0.0", "::"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ip_address before = parse(texts[i]), after;
        struct sockaddr_storage sockaddr;
        ip_address_to_sockaddr(&before, &sockaddr);
        cr_assert(ip_address_from_sockaddr((struct sockaddr *)&sockaddr, &after));
        cr_expect(before.is_v4 == after.is_v4, "%s", texts[i]);
        cr_expect(memcmp(before.bytes, after.bytes, 16) == 0, "%s", texts[i]);
        cr_expect(eq(int, ((struct sockaddr_in *)&sockaddr)->sin_port, 0));
    }
}

Test(address_class, text_that_only_looks_like_an_address_does_not_parse)
{
    static const char *const texts[] = {"",           "127.1",      "0x7f000001",
                                        "2130706433", "010.0.0.1x", "1.2.3.4.",
                                        "::1%lo",     "[::1]",      " ::1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ip_address address;
        cr_expect(not(ip_address_parse(texts[i], &address)), "%s", texts[i]);
    }
}
