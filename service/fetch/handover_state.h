/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of handovers, for handover*.c only. */
#pragma once

#include "base/attributes.h"
#include "base/list.h"
#include "base/loop.h"
#include "fetch/crowding.h"
#include "fetch/handover.h"
#include "fetch/mailbox.h"
#include "fetch/parcel.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What every home may know of a host. */
struct host_board {
    /* Calls in its queue at the end of its last turn; very many: it cannot start any. */
    atomic_size_t waiting;
    atomic_size_t coming; /* calls in parcels that are not in `waiting` yet */
    atomic_uint_fast64_t rests_until_ms;
};

struct handover {
    struct handovers *all;
    size_t index;
    struct fetcher *fetcher;
    struct mailbox mailbox;

    /* As a home. */
    struct crowding crowding;
    struct list sent;    /* parcels of which calls are away: parcel.home_node */
    struct list fresh;   /* those not yet looked after: parcel.fresh_node, oldest first */
    struct list arrived; /* to be delivered: guest.return_node */
    struct timer recall_timer; /* for the first of `fresh` */

    /* As a host. */
    struct list hosted; /* guests that have not ended: guest.host_node */
    size_t opened;      /* calls of parcels opened in this turn */
    struct host_board board;
};

/* Of handover_host.c, for homes; any thread. handover_reserve announces a parcel of so
 * many calls; false: the host does not take it now. handover_unreserve takes that back.
 * handover_rest: the host left lying what it got, so let it be for a while. */
bool handover_reserve(struct handover *host, size_t count, uint64_t now_ms) MUST_CHECK;
void handover_unreserve(struct handover *host, size_t count);
void handover_rest(struct handover *host, uint64_t now_ms);

/* handover_publish: what waits here now, for homes to know. */
void handover_publish(struct fetcher *fetcher);
/* The on_done of guests, in the host's thread. */
void handover_on_guest_done(struct call *call, const struct outcome *outcome);

/* The host's share of its mail: parcels, and guests that were revoked. */
void handover_host_guests(struct fetcher *fetcher, struct mail *mail);
