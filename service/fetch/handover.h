/* SPDX-License-Identifier: Apache-2.0 */
/* One large batch on all cores: calls from a long queue are run by workers that have
 * nothing to start. For fetcher*.c and nobody else.
 *
 *     home                                    host
 *     call ─ waits in a long queue
 *       └─► copied into a parcel ───────────► queue ─► flight ─► outcome
 *     on_done ◄─────────────────────────────── copied ◄────────────┘
 *
 * Only calls that were not touched yet and carry no body, no on_dispatch and no wish to
 * be coalesced; only out of a flow of which many wait, and not where the origin's slots
 * are all taken here: then it is the slots they wait for. Nor where places in flight are
 * scarce, the caller's or all: home would take each that comes free before the host asks.
 * And only while few calls are in flight here, and CPUs idle (crowding.h,
 * server.share_batches). At the host a parcel is one flow among others. The call stays
 * its owner's. It can be cancelled as any other, and its deadline is its owner's affair;
 * its copy has the rest: the same caller and clocks, counted from the same moment, the
 * host's slots of its origin, a place in the budgets, the host's connections and metrics.
 * What a parcel holds is charged to budgets.request_bytes, an outcome on its way to
 * budgets.reply_bytes.
 *
 * A copy and its outcome (a guest) lie in the parcel, which is freed when home and host
 * have both let go of each. Workers speak to each other by mailboxes only; what home
 * reads of a running guest is its phase and when it was dispatched. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "fetch/call.h"

#include <stdbool.h>
#include <stddef.h>

struct fetcher;

struct handovers; /* the mailboxes of a process's fetchers */
struct handovers *handovers_new(void);
/* handovers_free: after all fetchers are gone. */
void handovers_free(struct handovers *handovers);

/* handover_join gives the fetcher its mailbox, before any worker runs. handover_part,
 * after all have stopped and with no call left in its queues and flights, drops what is
 * away, here for others, or on its way, without on_done. */
bool handover_join(struct fetcher *fetcher, struct error *err) MUST_CHECK;
void handover_part(struct fetcher *fetcher);

/* In this order in fetcher_turn. handover_read_mail starts what others ask for, cancels
 * what they revoke. handover_offer hands parcels to workers with nothing to start.
 * handover_deliver calls on_done of one call that came back; false: there is none. */
void handover_read_mail(struct fetcher *fetcher);
void handover_offer(struct fetcher *fetcher);
bool handover_deliver(struct fetcher *fetcher);
/* handover_has_work: there is one to deliver. */
bool handover_has_work(const struct fetcher *fetcher);

/* handover_revoke cancels a call that is away: it is idle, and its owner's, when this
 * returns. The host takes its copy out in its next turn. */
void handover_revoke(struct fetcher *fetcher, struct call *call);
