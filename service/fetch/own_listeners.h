/* SPDX-License-Identifier: Apache-2.0 */
/* gatherd's own listening sockets, by any address that reaches them: a batch that fetches
 * from gatherd itself could multiply without end. Filled before workers know
 * it, read after. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "fetch/address_class.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct own_listener {
    struct ip_address address;
    unsigned prefix_length; /* a wildcard listener is reached by all of 127.0.0.0/8 */
    uint16_t port;
    bool is_of_wildcard;
};

struct own_listeners {
    struct own_listener *items;
    size_t count;
    size_t cap;
};

/* own_listeners_add takes the address a listener is bound to. For a wildcard it adds
 * loopback and every address of the machine: those that `known` has for one on this port
 * (NULL: none), or else those it has now; fails when the machine will not tell them.
 * Anything but IP is ignored. */
bool own_listeners_add(struct own_listeners *own, const struct sockaddr *listener,
                       const struct own_listeners *known, struct error *err) MUST_CHECK;
void own_listeners_done(struct own_listeners *own);

bool own_listeners_has(const struct own_listeners *own, const struct ip_address *address,
                       uint16_t port);
