/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation in which a running gatherd gives its listening sockets to a new one,
 * over a unix socket (SOCK_SEQPACKET) that only its own user can use:
 *
 *     new: connects              old: "gatherd 1", what each socket is, the sockets
 *     new: "ready 1101"          once it could serve; which of the sockets it took
 *                                old: "yours"; it accepts no more on those
 *     new: serves
 *
 * Whoever of the two is gone at any point leaves the other serving. These are the steps;
 * predecessor.h (old) and successor.h (new) take them. main's thread. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "socket_offers.h"

#include <stdbool.h>
#include <sys/types.h>

/* handover_listen binds `path` with mode 0600, replacing a stale file; handover_connect
 * connects to whoever listens there. *ret_fd is -1 when nobody does. */
bool handover_listen(const char *path, int *ret_fd, struct error *err) MUST_CHECK;
bool handover_connect(const char *path, int *ret_fd, struct error *err) MUST_CHECK;

/* handover_peer tells who is at the other end; false: another user, who gets nothing. */
bool handover_peer(int fd, pid_t *ret_pid, struct error *err) MUST_CHECK;

/* handover_send_offers and handover_receive_offers pass the list and its descriptors on.
 * What was received is the receiver's, also when it fails half-way. ERROR_GONE: the other
 * one ended, or hung up because it gives nothing. */
bool handover_send_offers(int fd, const struct socket_offers *offers,
                          struct error *err) MUST_CHECK;
bool handover_receive_offers(int fd, struct socket_offers *offers,
                             struct error *err) MUST_CHECK;

/* The text of "ready": a digit for each of the first `count` offers, 1 if it is taken. */
enum { HANDOVER_READY_MAX = SOCKET_OFFERS_MAX + 8 };
void handover_write_ready(const struct socket_offers *offers, size_t count,
                          char text[HANDOVER_READY_MAX]);
/* handover_read_ready marks what was not taken with fd -1 in `offers`, the list that was
 * sent, without closing it. Returns false when the text is no such answer. */
bool handover_read_ready(const char *text, size_t len,
                         struct socket_offers *offers) MUST_CHECK;
