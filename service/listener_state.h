/* SPDX-License-Identifier: Apache-2.0 */
/* The listener's inside, for listener*.c only. */
#pragma once

#include "base/list.h"
#include "http/linger.h"
#include "listener.h"

struct open_socket {
    struct list node;
    struct watch watch;
    struct listener *listener;
    enum front_role role;
    bool is_local;    /* as struct front_arrival has it */
    bool is_borrowed; /* as struct socket_offer has it */
    bool is_given;    /* another gatherd serves it, or still does */
    bool is_disowned;
    size_t number; /* in the list that listener_describe made, from 1 */
    char *address; /* as the configuration has it */
};

struct listener {
    struct listener_setup setup;
    uint64_t counted_max; /* connections that setup.counts has room for */
    struct socket_offers *offers;
    struct list sockets;
    struct linger_set lingering; /* refused clients on their way out */
    struct timer pause;
};

/* Of listener_accept.c. listener_accept_one: false when nothing more is to be accepted
 * now. The other two are what a socket's watch and the pause call. */
bool listener_accept_one(struct open_socket *open);
void listener_on_acceptable(struct watch *watch, uint32_t ready);
void listener_on_pause_over(struct timer *timer);
