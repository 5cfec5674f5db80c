/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets. Accepts in one place (main's thread) and hands each connection
 * to the worker with the fewest open ones, because few long-lived clients spread badly
 * over SO_REUSEPORT sockets: four on two workers landed on one in half of the tries. */
#pragma once

#include "address_counts.h"
#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/loop.h"
#include "fetch/snapshot.h"
#include "socket_offers.h"
#include "worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listener;

struct listener_setup {
    struct loop *loop;
    struct worker **workers;
    unsigned worker_count;
    struct process_state *state;
    uint64_t max_connections;      /* above it: 503 and close */
    struct address_counts *counts; /* per address; NULL: not limited */
    struct metrics_shard *metrics; /* main's shard */
};

/* listener_new makes an empty set of listeners; workers may be filled in later, before
 * listener_start. */
struct listener *listener_new(const struct listener_setup *setup);
void listener_free(struct listener *listener);

/* listener_use names sockets that listener_open takes instead of binding, as long as they
 * last; NULL: none any more. */
void listener_use(struct listener *listener, struct socket_offers *offers);

/* listener_open binds one address of the configuration: "host:port", "[v6]:port",
 * "unix:/path", "fd:N", "fd:NAME". A name may give several sockets. Of an
 * address in use the error says whether it is this process that has it. */
bool listener_open(struct listener *listener, const char *address, enum front_role role,
                   struct error *err) MUST_CHECK;
/* listener_addresses appends what was bound, with the real ports, separated by ", ". */
void listener_addresses(const struct listener *listener, enum front_role role,
                        struct buffer *out);

/* listener_refuse_own: a batch must not reach gatherd itself, so what is bound, of both
 * roles, is added to what nobody may reach under `snapshot` (snapshot_add_own). */
bool listener_refuse_own(const struct listener *listener, struct snapshot *snapshot,
                         const struct snapshot *known, struct error *err) MUST_CHECK;
/* listener_disown: those opened for `address` are about to be closed, so that
 * listener_refuse_own passes them over; or, with false, they are not. */
void listener_disown(struct listener *listener, const char *address, enum front_role role,
                     bool is_disowned);

/* listener_start begins to accept. listener_close closes the sockets of `role`; first it
 * accepts what waits in their backlogs, unless another process serves those. */
bool listener_start(struct listener *listener, struct error *err) MUST_CHECK;
void listener_close(struct listener *listener, enum front_role role);

/* listener_close_address: likewise of those opened for `address`. listener_move: who
 * comes by these from now on comes to the other role. listener_limit: another
 * max_connections from now on; with max_connections_per_address at most the first one,
 * for which there is room in its counts. */
void listener_close_address(struct listener *listener, const char *address,
                            enum front_role role);
void listener_move(struct listener *listener, const char *address, enum front_role from,
                   enum front_role to);
void listener_limit(struct listener *listener, uint64_t max_connections);

/* listener_describe lists what is open, for another process that takes over; the
 * descriptors stay this one's. Returns false when there are too many. listener_give: that
 * process serves number `index` of the list: what waits in its backlog is left to it, and
 * the file of a unix socket. */
bool listener_describe(struct listener *listener,
                       struct socket_offers *ret_offers) MUST_CHECK;
void listener_give(struct listener *listener, size_t index);
/* listener_keep: what was taken from another gatherd is this one's from now on; until
 * then it is left to the other when this one closes it. */
void listener_keep(struct listener *listener);
/* listener_is_borrowed: every socket of `role` is held open by a service manager too, so
 * that whoever connects after listener_close waits for the next process. */
bool listener_is_borrowed(const struct listener *listener, enum front_role role);
