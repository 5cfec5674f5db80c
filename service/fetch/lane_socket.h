/* SPDX-License-Identifier: Apache-2.0 */
/* The upstream sockets of a worker, and when epoll hears of them: as seldom as possible.
 *
 * When libcurl loses interest in a socket it stays registered for reading, because the
 * next transfer on it will want just that: on a warm connection no epoll_ctl is left. An
 * event nobody waits for takes it out: the peer closed an idle connection, or sent what
 * nobody asked for, which taints it (taint.h).
 * Level-triggered: libcurl may read less than there is. */
#pragma once

#include "base/list.h"
#include "base/loop.h"
#include "fetch/budget.h"
#include "metrics/metrics.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane_socket;
struct taints;
struct lane_sockets;

/* What a connection leads to. */
struct lane_peer {
    size_t origin;      /* its number */
    uint64_t taint_key; /* 0: unasked bytes are no offence, as HTTP/2's frames */
    bool is_tls;
};

/* Whom sockets work for: part of a transfer. A connection may outlive the interest in it
 * and the transfer too, so whoever ends leaves (lane_sockets_leave) before its memory is
 * used for anything else. */
struct lane_user {
    struct list sockets; /* those that work for it */
};

/* on_event is called from the loop with what is ready, as EPOLLIN and EPOLLOUT: only what
 * libcurl waits for. `user` may be NULL. */
typedef void lane_socket_event_fn(void *lane, struct lane_user *user, int fd,
                                  uint32_t ready);

/* on_closed: libcurl closes the connection that `user` is done with, instead of keeping
 * it: in the very call in which it was done, or slowly (lane_sockets_leave). */
typedef void lane_socket_closed_fn(struct lane_user *user);

struct lane_sockets_setup {
    struct loop *loop;
    struct budgets *budgets;
    struct metrics_shard *metrics;
    struct taints *taints;
    lane_socket_event_fn *on_event;
    lane_socket_closed_fn *on_closed;
};

struct lane_sockets *lane_sockets_new(const struct lane_sockets_setup *setup);
/* lane_sockets_free expects all sockets to be closed. */
void lane_sockets_free(struct lane_sockets *sockets);

/* lane_sockets_open makes a non-blocking socket for a connection of `lane`. Returns
 * CURL_SOCKET_BAD with `ret_short` when the process is out of sockets (its budget, or
 * descriptors), without when the system refuses otherwise. */
curl_socket_t lane_sockets_open(struct lane_sockets *sockets, void *lane,
                                struct lane_peer peer,
                                const struct curl_sockaddr *address, bool *ret_short);
/* For CURLOPT_CLOSESOCKETFUNCTION, with the struct lane_sockets as its data. */
int lane_sockets_on_close(void *sockets, curl_socket_t fd);

/* lane_sockets_enter: libcurl is about to be called. What it does with a socket until the
 * next one is one act. */
void lane_sockets_enter(struct lane_sockets *sockets);

/* lane_sockets_find_idle returns the lane of an idle connection that leads to `origin`,
 * the one used last first, and does not find that one again before
 * lane_sockets_refind; NULL when there is none, or only far down among those of other
 * origins. lane_sockets_refind: libcurl has chosen, what is still idle may be found. */
void *lane_sockets_find_idle(struct lane_sockets *sockets, size_t origin);
void lane_sockets_refind(struct lane_sockets *sockets);

/* lane_sockets_shut_idle shuts the connection down for which libcurl lost interest in
 * this act, if there is one: true. libcurl keeps it until it finds it dead. */
bool lane_sockets_shut_idle(struct lane_sockets *sockets);

/* lane_sockets_want is CURLMOPT_SOCKETFUNCTION's news: `what` is CURL_POLL_…. `user` is
 * who the socket works for until the next news of it; NULL: several, or nobody. */
void lane_sockets_want(struct lane_sockets *sockets, void *lane, struct lane_user *user,
                       curl_socket_t fd, int what);

/* lane_sockets_excuse: until it is used again nothing that comes on `fd` is an offence.
 * It is given back without a reply, as when memory fails: over TLS what comes then are
 * the tickets that nobody has read yet. */
void lane_sockets_excuse(struct lane_sockets *sockets, curl_socket_t fd);
/* lane_sockets_excuse_all: so are all of `lane` that seem idle: it is not known which of
 * them are. Slow. */
void lane_sockets_excuse_all(struct lane_sockets *sockets, const void *lane);

void lane_user_init(struct lane_user *user);
/* lane_sockets_leave: `user` is out of its lane. A socket that still works for it is one
 * that libcurl shuts down: over TLS it waits for the peer's farewell as long as that
 * takes, and tells nobody that it does so for itself now (8.14). */
void lane_sockets_leave(struct lane_sockets *sockets, struct lane_user *user);
