/* SPDX-License-Identifier: Apache-2.0 */
/* The running process's part of a hand-over (handover_socket.h): a listening socket in
 * its loop, and at most one new process at a time that has the sockets and is not ready
 * yet. One that ends, or takes longer than a minute, changes nothing. main's thread. */
#pragma once

#include "base/loop.h"
#include "listener.h"

#include <stdbool.h>

struct predecessor;

struct predecessor_setup {
    struct loop *loop;
    struct listener *listener;
    const char *address; /* "unix:/path", of server.handover; copied */
    int fd;              /* that listens there; the predecessor closes it */
    /* Another process serves now, and has what it wanted of the sockets
     * (listener_give); once. It must not be freed in it. */
    void (*on_taken)(void *context);
    void *context;
};

/* predecessor_start may be called in the sandbox. Returns NULL when the socket cannot be
 * watched. */
struct predecessor *predecessor_start(const struct predecessor_setup *setup,
                                      struct error *err) MUST_CHECK;
/* predecessor_end closes the socket, and removes its file unless another process has it.
 */
void predecessor_end(struct predecessor *predecessor);
