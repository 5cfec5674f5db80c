/* SPDX-License-Identifier: Apache-2.0 */
/* One large batch on all cores: calls from a long queue are run by workers that have
 * nothing to start. For fetcher*.c and nobody else.
 *
 *     home                                      host
 *     call ─ waits in a long queue
 *       └─► copied into a parcel ─────────────► queue ─► flight ─► outcome
 *     queue ◄── not started in 5 ms, taken back ──┘                  │
 *     on_done ◄──────────────────────────────── copied ◄─────────────┘
 *
 * Only calls that were not touched yet and carry no body, no on_dispatch (signed ones and
 * those that may be hedged) and no wish to be coalesced; only out of a flow of which many
 * wait, and not where the origin's slots are all taken here: then it is the slots they
 * wait for. Nor where places in flight are scarce, the caller's or all: home would take
 * each that comes free before the host asks. And only while few calls are in flight here,
 * and CPUs idle (crowding.h, server.share_batches).
 *
 * A host says at the end of each turn whether it has little to start and can start it. It
 * may turn out not to: its turn takes long, the slots of this origin are taken there. So
 * what it has not started 5 ms later goes to the front of the queue at home, once and for
 * good, and the host rests. No call waits longer at a host for its start than that,
 * whatever holds the host up; both claim a call before they start it (parcel.h), so one
 * does. (Where the host found no socket for it, of which there are none at home either,
 * it waits there.)
 *
 * At the host a parcel is one flow among others. The call stays its owner's. It can be
 * cancelled as any other, and its deadline is its owner's affair; its copy has the rest:
 * the same caller and clocks, counted from the same moment, the host's slots of its
 * origin, a place in the budgets, the host's connections and metrics. fetch.per_origin is
 * a worker's, so a shared batch may have that many calls of an origin under way on each,
 * as several batches may. What a parcel holds is charged to budgets.request_bytes, an
 * outcome on its way to budgets.reply_bytes.
 *
 * Ceilings: towards a host there are at most 31 calls and a parcel of 64, whoever sends
 * them; it takes none while 32 wait there. */
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

/* handover_join gives the fetcher its mailbox, before any worker runs. handover_part, of
 * fetcher_free once all workers have stopped, and after it has dropped what was queued
 * and in flight here: lets go of what is away, here for others, or on its way, without
 * on_done. Fetchers not freed yet may still revoke what is here. */
bool handover_join(struct fetcher *fetcher, struct error *err) MUST_CHECK;
void handover_part(struct fetcher *fetcher);

/* In this order in fetcher_turn. handover_read_mail starts what others ask for, cancels
 * what they revoke. handover_offer says how much waits here, and hands parcels to workers
 * with nothing to start.
 * handover_deliver calls on_done of one call that came back; false: there is none. */
void handover_read_mail(struct fetcher *fetcher);
void handover_offer(struct fetcher *fetcher);
bool handover_deliver(struct fetcher *fetcher);
/* handover_has_work: there is one to deliver. */
bool handover_has_work(const struct fetcher *fetcher);

/* handover_revoke cancels a call that is away: it is idle, and its owner's, when this
 * returns. If its host has not started it by then, it never will; it takes the copy out
 * in its next turn. */
void handover_revoke(struct fetcher *fetcher, struct call *call);
/* handover_end_flow tells the hosts of the flow's calls that it is over. */
void handover_end_flow(struct fetcher *fetcher, const struct flow *flow);

/* Of handover_host.c. handover_may_start claims a guest (call->is_guest) that has its
 * slot for this worker; false: its home has taken it back, and is about to revoke it. */
bool handover_may_start(struct call *call);
