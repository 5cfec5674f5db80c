/* SPDX-License-Identifier: Apache-2.0 */
/* The new process's part of a hand-over (handover_socket.h): it asks a running gatherd
 * for its listening sockets, and tells it when it can serve. Blocks, each step at most
 * some seconds: while starting there is nothing else to do. main's thread. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "handover_socket.h"

#include <stdbool.h>

struct successor {
    int fd; /* -1: nobody runs, there is nothing to take over */
    size_t offered;
    char ready[HANDOVER_READY_MAX];
};

/* successor_ask fills the empty `offers` with what the gatherd that listens at `address`
 * ("unix:/path") has; nothing, and true, when nobody does or `address` is "", also when
 * who did has ended while it was asked, which is logged. Returns false when somebody is
 * there who gives nothing. */
bool successor_ask(struct successor *successor, const char *address,
                   struct socket_offers *offers, struct error *err) MUST_CHECK;
/* successor_note remembers which of those were taken. */
void successor_note(struct successor *successor, const struct socket_offers *offers);

/* successor_finish says that this process could serve and waits for the other's word that
 * it serves no more. Returns false when the other one goes on serving: then this one must
 * end, and leave the sockets' files where they are. One that is gone needs no word. */
bool successor_finish(struct successor *successor, struct error *err) MUST_CHECK;
/* successor_done hangs up; before successor_finish, that leaves the other one serving. */
void successor_done(struct successor *successor);
