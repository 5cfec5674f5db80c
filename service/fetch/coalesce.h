/* SPDX-License-Identifier: Apache-2.0 */
/* Equal calls of one worker that are in flight at the same time share one upstream call.
 * For fetcher.c, flight_outcome.c and nobody else.
 *
 *     call ─┐                                        ┌─► on_done
 *     call ─┼─ wait for ─► sharing ─► flight ─► outcome ─► on_done
 *     call ─┘   (each with its own clock)            └─► on_done
 *
 * The shared call belongs to nobody in particular: it has copies of URL and headers
 * (charged to budgets.request_bytes; without room for them a call goes alone), the
 * gateway's own fetch.timeout and the latest deadline of those that share it. Each of
 * them has its own timeout, from the shared dispatch on or from when it came, its own
 * deadline, and can be cancelled; the shared call is cancelled when the last one is gone.
 * What the gateway's own clocks and the upstream do to the shared call happens to all of
 * them, also to one that came late. It waits for its slot in the turn of the first of
 * them, then of the next, and takes one place in flight. A call that came late may be
 * answered with what the upstream said before it came. */
#pragma once

#include "base/attributes.h"
#include "fetch/call.h"

#include <stdbool.h>

struct fetcher;
struct flight;

/* coalesce_start: a call just given to fetcher_start, that coalesces, waits for a shared
 * one from now on; false: it must go alone. */
bool coalesce_start(struct fetcher *fetcher, struct call *call) MUST_CHECK;

/* coalesce_leave takes a waiting call out; it is idle thereafter. */
void coalesce_leave(struct fetcher *fetcher, struct call *call);

/* coalesce_close: the shared call of `call` has ended, nobody can join it any more. */
void coalesce_close(struct fetcher *fetcher, struct call *call);
/* coalesce_give hands the outcome to one that waits for `call`, which was closed; false:
 * there was none left, and `call` is gone. */
bool coalesce_give(struct fetcher *fetcher, struct call *call,
                   const struct outcome *outcome) MUST_CHECK;

/* coalesce_done drops everything, without on_done. */
void coalesce_done(struct fetcher *fetcher);
