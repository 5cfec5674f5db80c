/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets that somebody else opened and this process may use instead of binding
 * its own: a service manager's (socket activation, sd_listen_fds(3)) or a running
 * gatherd's (handover_socket.h). They are looked through while listeners are opened, in
 * main's thread; what nobody asked for is closed at the end. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "http/front.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    /* SCM_MAX_FD of the kernel, 253, with the socket for the next hand-over among them.
     */
    SOCKET_OFFERS_MAX = 250,
    SOCKET_LABEL_MAX = 280, /* "host:port" of the configuration, with its final zero */
};

/* What a socket is called decides who may have it. */
enum socket_offer_kind {
    OFFER_NAMED,    /* by a service manager: `label` is its name, or "" */
    OFFER_MAIN,     /* by a gatherd: `label` is the address in its configuration */
    OFFER_OPS,      /* the same, of ops.listen */
    OFFER_HANDOVER, /* the socket that the next process asks for these */
};

struct socket_offer {
    int fd; /* -1: taken */
    enum socket_offer_kind kind;
    bool is_borrowed; /* a service manager holds it too, and owns a unix socket's file */
    char label[SOCKET_LABEL_MAX];
};

struct socket_offers {
    pid_t from; /* the process that sent them; 0: not known */
    size_t count;
    struct socket_offer items[SOCKET_OFFERS_MAX];
};

/* socket_offers_add puts one more on the list. Returns false when the list is full or the
 * label too long. */
bool socket_offers_add(struct socket_offers *offers, enum socket_offer_kind kind,
                       const char *label, int fd, bool is_borrowed) MUST_CHECK;

/* socket_offers_from_manager reads $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES (the
 * environment of sd_listen_fds(3)); none of them, or another process's: no offers.
 * Returns false when they cannot be right: more sockets than fit, or a descriptor that is
 * not open. */
bool socket_offers_from_manager(struct socket_offers *offers,
                                struct error *err) MUST_CHECK;

/* socket_offers_take moves one socket for an address of the configuration out of the
 * list; false: there is none, or none any more (a name may have several). A gatherd's are
 * those of the same list and the same text; of a manager's, "fd:NAME" is one with the
 * name, "fd:N" that descriptor, and any other address the one that is bound to it: so one
 * configuration serves with a manager's sockets and without. */
bool socket_offers_take(struct socket_offers *offers, enum front_role role,
                        const char *address, struct socket_offer *ret_offer);
/* socket_offers_take_handover moves the OFFER_HANDOVER out; -1: there is none. */
int socket_offers_take_handover(struct socket_offers *offers);

/* socket_offers_close closes what is left and returns how many of them a manager had
 * opened: sockets whose clients would wait for nobody. */
size_t socket_offers_close(struct socket_offers *offers);
