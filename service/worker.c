/* SPDX-License-Identifier: Apache-2.0 */
/* One worker: its thread and the order of its turn. Its parts are made in worker_parts.c,
 * its mail is read in worker_mail.c.
 *
 *        ┌────────────────────────── one turn ──────────────────────────┐
 *   wait ─► events: upstream sockets, DNS, clients gone, MHD is ready, mailbox
 *        ─► due timers: calls' clocks, batches' deadlines, connections' clocks
 *        ─► mailbox: adopt sockets, drain, trim; what is asked for the live document
 *        ─► fetcher_turn: start a slice, collect what ended, advance batches, answer
 *        ─► front_turn: MHD runs once: replies leave, new requests come in
 *        └──► (their calls start in the next turn, which then does not wait)
 *
 * Nothing here locks but the mailbox, which holds a handful of messages. */
#include "worker_state.h"

#include "base/clock.h"

enum { SPANS_LIMIT_MS = 1500 }; /* at the end, for the last spans to leave */

static int wait_ms(struct worker *worker)
{
    if (fetcher_has_work(worker->fetcher) || live_desk_has_work(worker->live_desk))
        return 0;
    return doors_wait_ms(&worker->doors);
}

/* Its last batch has been answered, and what was recorded of it has left. */
static bool is_done(struct worker *worker)
{
    if (!doors_is_idle(&worker->doors))
        return false;
    fetcher_flush_spans(worker->fetcher, SPANS_LIMIT_MS);
    return fetcher_spans_are_flushed(worker->fetcher);
}

/* Two flags, as the one is true before the drain and may be no more in it. */
static void note_idle(struct worker *worker)
{
    if (worker->doors.is_leaving)
        atomic_store(&worker->shared.is_empty, !doors_have_clients(&worker->doors));
    if (worker->doors.is_draining)
        atomic_store(&worker->shared.is_idle, is_done(worker));
}

static void turn(struct worker *worker)
{
    loop_wait(&worker->loop, wait_ms(worker));
    loop_run_due(&worker->loop);
    worker_mail_read(worker);
    live_desk_turn(worker->live_desk);
    reload_desk_turn(worker->reload_desk);
    fetcher_turn(worker->fetcher);
    admission_note(&worker->admission, worker->loop.now_us,
                   fetcher_delay(worker->fetcher));
    doors_turn(&worker->doors);
    note_idle(worker);
    uint64_t lag_us = clock_now_us() - worker->loop.now_us;
    peak_note(&worker->lag, worker->loop.now_ms, lag_us);
    metrics_observe(worker->setup.metrics, METRIC_LOOP_LAG_SECONDS, 0,
                    (double)lag_us / 1e6);
}

static void *run(void *context)
{
    struct worker *worker = context;
    while (!atomic_load_explicit(&worker->shared.must_stop, memory_order_relaxed))
        turn(worker);
    return NULL;
}

bool worker_start(struct worker *worker, struct error *err)
{
    int failure = pthread_create(&worker->thread, NULL, run, worker);
    if (failure)
        return error_set_errno(err, failure, "cannot start a worker thread");
    worker->is_started = true;
    return true;
}

void worker_stop(struct worker *worker)
{
    if (!worker || !worker->is_started)
        return;
    atomic_store(&worker->shared.must_stop, true);
    worker_mail_ring(worker);
    pthread_join(worker->thread, NULL);
    worker->is_started = false;
}
