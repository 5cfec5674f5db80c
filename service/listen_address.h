/* SPDX-License-Identifier: Apache-2.0 */
/* From an address of the configuration to listening sockets. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    LISTEN_SOCKETS_MAX = 8,
    LISTEN_ADDRESS_TEXT = 160, /* room for any address as text */
    LISTEN_BACKLOG = 4096,     /* connections that may wait to be accepted */
};

struct listen_sockets {
    int fds[LISTEN_SOCKETS_MAX];
    size_t count;
};

/* listen_address_open binds and listens, non-blocking and close-on-exec. "fd:N" takes
 * over an open listening socket. On failure nothing stays open and the sentence names the
 * address and the remedy. */
bool listen_address_open(const char *address, struct listen_sockets *ret_sockets,
                         struct error *err) MUST_CHECK;

/* listen_address_adopt makes a listening socket that somebody else opened fit to serve
 * `address` with: non-blocking, close-on-exec. Returns false when it does not listen. */
bool listen_address_adopt(int fd, const char *address, struct error *err) MUST_CHECK;

/* listen_address_is_local: only this machine can connect to `fd`: it is bound to a
 * loopback address or is a unix socket. */
bool listen_address_is_local(int fd);

/* listen_address_text writes the real address of `fd` ("127.0.0.1:41234", "unix:/path").
 */
void listen_address_text(int fd, char *text, size_t size);
