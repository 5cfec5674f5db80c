/* SPDX-License-Identifier: Apache-2.0 */
/* The entry of the upstream side: start calls, cancel calls, one turn. In front a queue
 * per origin, then slices (at most 16 new transfers a turn), behind it resolver, guard
 * and lanes. One per worker; single-threaded; no function blocks.
 *
 * Libraries' callbacks only record; on_done is called at one place, in fetcher_turn. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/loop.h"
#include "config/config.h"
#include "fetch/budget.h"
#include "fetch/call.h"
#include "fetch/caller.h"
#include "fetch/snapshot.h"
#include "fetch/circuits.h"
#include "fetch/egress_note.h"
#include "fetch/flow.h"
#include "fetch/schedule.h"
#include "metrics/metrics.h"
#include "trace/tracer.h"

#include <sys/socket.h>

struct fetcher;
struct origin_report;

/* fetch_global_init prepares libcurl and c-ares for the process; call once before
 * threads, after clearing nothing itself: it unsets the *_proxy variables and
 * SSLKEYLOGFILE, which must never steer a gateway. Refuses a libcurl below 8.0.0 with a
 * sentence that says why and how to get a newer one. fetch_global_done undoes it after
 * the last fetcher is gone. */
bool fetch_global_init(struct error *err) MUST_CHECK;
void fetch_global_done(void);

/* fetch_versions appends "libcurl 8.14.1 (OpenSSL/…), c-ares 1.18.1 …", one a line. */
void fetch_versions(struct buffer *out);

struct fetch_shared; /* what all fetchers of a process share, whatever the configuration:
                        callers, tainted origins, mailboxes */
struct fetch_shared *fetch_shared_new(const struct config *config,
                                      struct error *err) MUST_CHECK;
void fetch_shared_free(struct fetch_shared *shared);
/* fetch_shared_first: the snapshot of the configuration it was made with, which fetchers
 * begin with; it lives as long as `shared`. */
struct snapshot *fetch_shared_first(struct fetch_shared *shared);
/* fetch_shared_callers: for further snapshots. They live as long as `shared`. */
struct callers *fetch_shared_callers(struct fetch_shared *shared);

struct fetcher_setup {
    struct loop *loop;
    struct fetch_shared *shared;
    struct budgets *budgets;
    struct metrics_shard *metrics;
    struct tracer *tracer; /* NULL: no trace is recorded */
    /* Called when this fetcher finds the process short of sockets and has no idle one of
     * its own to close: ask the other workers to call fetcher_trim. May be NULL. */
    void (*on_socket_pressure)(void *context);
    /* Called for what egress.mode: report lets pass, from any function of the fetcher.
     * May be NULL. */
    void (*on_would_refuse)(void *context, const struct egress_notice *notice);
    /* Called when a call opens its origin's circuit, from fetcher_turn and timers. May be
     * NULL. */
    void (*on_circuit_opened)(void *context, const struct circuit_notice *notice);
    void *context;
};

struct fetcher *fetcher_new(const struct fetcher_setup *setup,
                            struct error *err) MUST_CHECK;
/* fetcher_free drops every call without calling on_done and closes every connection. */
void fetcher_free(struct fetcher *fetcher);

/* fetcher_adopt: what is begun from now on follows `snapshot`; a call that was started
 * keeps the clocks, the egress policy and the circuits of its own (its flow's terms).
 * Connections are used on where nothing that made them has changed: authorities, proxy,
 * HTTP version, keep-alive. The fetcher holds `snapshot`. */
void fetcher_adopt(struct fetcher *fetcher, struct snapshot *snapshot);

/* fetcher_start queues `call`. It can end no earlier than in the next fetcher_turn. */
void fetcher_start(struct fetcher *fetcher, struct call *call);

/* fetcher_cancel ends a started call without on_done; when it returns, the fetcher knows
 * the call no more and its memory is the owner's. The transfer behind it is really
 * removed within the next turns (in slices: removing 10,000 at once would stop the loop
 * for 0.2 s). A no-op on a call that has ended. */
void fetcher_cancel(struct fetcher *fetcher, struct call *call);

/* fetcher_end_flow: the flow's owner is about to cancel what is left of it, perhaps in
 * several turns: until then no more requests of the flow are made, but for those shared
 * with others (coalesce.h); the flow's calls do not end by that. Another worker that runs
 * some of its calls (handover.h) hears of it while it may be in the middle of starting
 * some: what it starts in this turn is sent, as if it had been under way before. */
void fetcher_end_flow(struct fetcher *fetcher, struct flow *flow);

static inline enum call_phase fetcher_phase(const struct call *call)
{
    const struct call *other = call->shared ? call->shared : call->away;
    return other ? other->phase : call->phase;
}

/* fetcher_started_us: when a started call was dispatched, clock_now_us; 0: it was not. */
static inline uint64_t fetcher_started_us(const struct call *call)
{
    if (!call->shared)
        return call->away ? call->away->started_us : call->started_us;
    uint64_t started_us = call->shared->started_us;
    return started_us > 0 && started_us < call->queued_us ? call->queued_us : started_us;
}

/* fetcher_is_untouched: it waits for its first turn; nothing was done for it yet. */
static inline bool fetcher_is_untouched(const struct call *call)
{
    return call->phase == PHASE_QUEUED && call->pair && !call->flight;
}

/* fetcher_turn: start a slice of queued calls, remove a slice of cancelled ones, collect
 * what finished and call on_done for each. Once per turn of the worker's loop, after
 * events and timers. */
void fetcher_turn(struct fetcher *fetcher);

/* fetcher_has_work: true when the next turn must come without waiting (calls can start,
 * cancelled transfers are still to be removed). */
bool fetcher_has_work(const struct fetcher *fetcher);

/* fetcher_trim closes connections that are idle, so that other workers may open some. */
void fetcher_trim(struct fetcher *fetcher);

/* fetcher_flush_spans, of the end of the process: what was recorded is exported at once,
 * or lost after `limit_ms`. fetcher_spans_are_flushed: nothing is left. */
void fetcher_flush_spans(struct fetcher *fetcher, uint64_t limit_ms);
bool fetcher_spans_are_flushed(const struct fetcher *fetcher);

/* Gauges for the metrics page; read by the owning thread. */
/* fetcher_delay: how long calls wait for this worker alone (schedule.h). */
struct schedule_delay fetcher_delay(const struct fetcher *fetcher);
size_t fetcher_queued(const struct fetcher *fetcher);
size_t fetcher_in_flight(const struct fetcher *fetcher);
/* fetcher_report_origins adds the origins of this worker to `report`, a slice of them per
 * call; `*cursor` is 0 at first. False: that was all. */
bool fetcher_report_origins(struct fetcher *fetcher, struct origin_report *report,
                            size_t *cursor) MUST_CHECK;
/* fetcher_circuit_list: of the whole process, as fetcher_circuits. */
void fetcher_circuit_list(const struct fetcher *fetcher, struct circuit_list *ret_list);
/* fetcher_circuits: of the whole process; for any of its fetchers. Any thread. */
struct circuit_counts fetcher_circuits(const struct fetcher *fetcher);
