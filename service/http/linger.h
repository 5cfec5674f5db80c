/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets whose request was refused while bytes of it were still on the way. Closing such
 * a socket at once makes the kernel send a reset, which can destroy the refusal before
 * the client has read it; so what comes is read and thrown away for a moment. Bounded in
 * number, time and bytes. One thread. */
#pragma once

#include "base/list.h"
#include "base/loop.h"

#include <stddef.h>

struct linger_set {
    struct loop *loop;
    struct list sockets; /* oldest first */
    size_t count;
};

void linger_init(struct linger_set *set, struct loop *loop);
/* linger_done closes all of them. */
void linger_done(struct linger_set *set);
/* linger_add takes `fd` over: a socket whose sending side is shut down. When there are
 * too many, the oldest is closed. */
void linger_add(struct linger_set *set, int fd);
