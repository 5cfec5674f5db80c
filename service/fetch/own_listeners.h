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
};

struct own_listeners {
    struct own_listener *items;
    size_t count;
    size_t cap;
};

/* own_listeners_add takes the address a listener is bound to. For a wildcard it adds
 * every address the machine has now, and loopback; fails when the machine will not tell
 * them. Anything but IP is ignored. */
bool own_listeners_add(struct own_listeners *own, const struct sockaddr *listener,
                       struct error *err) MUST_CHECK;
/* own_listeners_copy adds those of `from`. */
bool own_listeners_copy(struct own_listeners *own, const struct own_listeners *from,
                        struct error *err) MUST_CHECK;
void own_listeners_done(struct own_listeners *own);

bool own_listeners_has(const struct own_listeners *own, const struct ip_address *address,
                       uint16_t port);
