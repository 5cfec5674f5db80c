/* SPDX-License-Identifier: Apache-2.0 */
/* The list of addresses under which gatherd itself would answer. Asks the system for its
 * interfaces once, when a wildcard listener is added; addresses that come later are not
 * known, which is why such a listener belongs behind a fixed address. Called by the
 * guard. */
#include "fetch/own_listeners.h"

#include "base/memory.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* A machine with more addresses than this names its listeners. */
enum { OWN_LISTENERS_MAX = 65536 };

static const struct ip_address any_v4 = {.is_v4 = true};
static const struct ip_address any_v6 = {0};

static bool add(struct own_listeners *own, const struct own_listener *listener)
{
    if (own->count == own->cap) {
        size_t cap = own->cap ? own->cap * 2 : 16;
        struct own_listener *items = NULL;
        if (cap <= OWN_LISTENERS_MAX)
            items = memory_try_array(cap, sizeof *items);
        if (!items)
            return false;
        if (own->count > 0)
            memcpy(items, own->items, own->count * sizeof *items);
        free(own->items);
        own->items = items;
        own->cap = cap;
    }
    own->items[own->count++] = *listener;
    return true;
}

/* ------------------------------------------------------------------------- wildcards */

static bool add_of_wildcard(struct own_listeners *own, const struct ip_address *address,
                            unsigned prefix_length, uint16_t port)
{
    const struct own_listener listener = {.address = *address,
                                          .prefix_length = prefix_length,
                                          .port = port,
                                          .is_of_wildcard = true};
    return add(own, &listener);
}

/* 0.0.0.0, :: and 127.0.0.0/8 lead to the machine itself, whatever its interfaces. */
static bool add_loopback(struct own_listeners *own, uint16_t port)
{
    static const struct ip_address loopback_v4 = {.is_v4 = true, .bytes = {127}};
    static const struct ip_address loopback_v6 = {.bytes = {[15] = 1}};
    return add_of_wildcard(own, &any_v4, 32, port) &&
           add_of_wildcard(own, &any_v6, 128, port) &&
           add_of_wildcard(own, &loopback_v4, 8, port) &&
           add_of_wildcard(own, &loopback_v6, 128, port);
}

static bool add_interfaces(struct own_listeners *own, uint16_t port, struct error *err)
{
    struct ifaddrs *interfaces;
    if (getifaddrs(&interfaces) != 0)
        return error_set_errno(err, errno, "cannot list the machine's addresses");
    bool is_added = add_loopback(own, port);
    for (struct ifaddrs *each = interfaces; each && is_added; each = each->ifa_next) {
        struct ip_address address;
        if (each->ifa_addr && ip_address_from_sockaddr(each->ifa_addr, &address))
            is_added = add_of_wildcard(own, &address, ip_address_bits(&address), port);
    }
    freeifaddrs(interfaces);
    if (!is_added)
        return error_set(err, ERROR_LIMIT, "the machine has too many addresses");
    return true;
}

static bool has_wildcard(const struct own_listeners *own, uint16_t port)
{
    for (size_t i = 0; own && i < own->count; i++) {
        if (own->items[i].is_of_wildcard && own->items[i].port == port)
            return true;
    }
    return false;
}

/* Of both families there are the addresses of both, so one of them is enough. */
static bool add_wildcard(struct own_listeners *own, uint16_t port,
                         const struct own_listeners *known, struct error *err)
{
    if (has_wildcard(own, port))
        return true;
    if (!has_wildcard(known, port))
        return add_interfaces(own, port, err);
    for (size_t i = 0; i < known->count; i++) {
        const struct own_listener *each = &known->items[i];
        if (each->is_of_wildcard && each->port == port && !add(own, each))
            return error_set(err, ERROR_LIMIT, "the machine has too many addresses");
    }
    return true;
}

/* ------------------------------------------------------------------------------------ */

bool own_listeners_add(struct own_listeners *own, const struct sockaddr *listener,
                       const struct own_listeners *known, struct error *err)
{
    struct ip_address address;
    if (!ip_address_from_sockaddr(listener, &address))
        return true;
    /* The port is at the same place in both families. */
    const struct sockaddr_in *in = (const void *)listener;
    uint16_t port = ntohs(in->sin_port);
    if (ip_address_has_prefix(&address, &any_v4, 32) ||
        ip_address_has_prefix(&address, &any_v6, 128))
        return add_wildcard(own, port, known, err);
    /* Connecting to the wildcard reaches a listener on loopback. */
    const struct own_listener reached[] = {
        {.address = address, .prefix_length = ip_address_bits(&address), .port = port},
        {.address = any_v4, .prefix_length = 32, .port = port},
        {.address = any_v6, .prefix_length = 128, .port = port},
    };
    for (size_t i = 0; i < sizeof reached / sizeof *reached; i++) {
        if (!add(own, &reached[i]))
            return error_set(err, ERROR_LIMIT, "too many listeners");
    }
    return true;
}

void own_listeners_done(struct own_listeners *own)
{
    free(own->items);
    *own = (struct own_listeners){0};
}

bool own_listeners_has(const struct own_listeners *own, const struct ip_address *address,
                       uint16_t port)
{
    for (size_t i = 0; i < own->count; i++) {
        const struct own_listener *listener = &own->items[i];
        if (listener->port == port &&
            ip_address_has_prefix(address, &listener->address, listener->prefix_length))
            return true;
    }
    return false;
}
