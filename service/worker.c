/* SPDX-License-Identifier: Apache-2.0 */
/* One worker: its thread, its mailbox and the order of its turn.
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
#include "worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/peak.h"
#include "doors.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    SPANS_LIMIT_MS = 1500,       /* at the end, for the last spans to leave */
    SPANS_BYTES_LEAST = 1 << 20, /* that wait in one worker */
};

struct adoption {
    struct adoption *next;
    struct front_arrival arrival;
};

struct worker {
    struct worker_setup setup; /* read-only */

    /* The worker thread's own. */
    struct loop loop;
    struct tracer *tracer; /* NULL: no trace is recorded */
    struct fetcher *fetcher;
    struct background_port *background_port;
    struct admission admission;
    struct peak lag; /* its turns, in microseconds */
    struct live_desk *live_desk;
    struct reload_desk *reload_desk;
    struct doors doors;
    struct snapshot *snapshot; /* held */
    struct watch mail_watch;
    pthread_t thread;
    bool is_started;

    /* Shared: the mailbox and what others may read. */
    struct {
        int event_fd;
        pthread_mutex_t lock;
        struct adoption *adoptions;    /* under lock; newest first */
        struct snapshot *_Atomic next; /* to change to; NULL: has changed */
        atomic_bool has_new_door;
        atomic_bool must_leave;
        atomic_bool must_drain;
        atomic_bool must_end_batches;
        atomic_bool must_trim;
        atomic_bool must_stop;
        atomic_bool is_empty; /* said by the turn that saw must_leave, or a later one */
        atomic_bool is_idle;  /* and must_drain */
        atomic_uint open_count;
    } shared;
};

/* -------------------------------------------------------------- from other threads */

static void ring(struct worker *worker)
{
    uint64_t one = 1;
    ssize_t written = write(worker->shared.event_fd, &one, sizeof one);
    (void)written; /* EAGAIN: the bell rings already */
}

static void post(struct worker *worker, atomic_bool *flag)
{
    atomic_store(flag, true);
    ring(worker);
}

void worker_adopt(struct worker *worker, const struct front_arrival *arrival)
{
    struct adoption *adoption = memory_new(sizeof *adoption);
    adoption->arrival = *arrival;
    atomic_fetch_add(&worker->shared.open_count, 1);
    pthread_mutex_lock(&worker->shared.lock);
    adoption->next = worker->shared.adoptions;
    worker->shared.adoptions = adoption;
    pthread_mutex_unlock(&worker->shared.lock);
    ring(worker);
}

unsigned worker_open_count(const struct worker *worker)
{
    return atomic_load(&worker->shared.open_count);
}

void worker_change(struct worker *worker, struct snapshot *snapshot, bool has_new_door)
{
    atomic_store(&worker->shared.has_new_door, has_new_door);
    atomic_store(&worker->shared.next, snapshot);
    ring(worker);
}

bool worker_has_changed(const struct worker *worker)
{
    return atomic_load(&worker->shared.next) == NULL;
}

void worker_leave(struct worker *worker)
{
    post(worker, &worker->shared.must_leave);
}

void worker_drain(struct worker *worker)
{
    post(worker, &worker->shared.must_drain);
}

void worker_end_batches(struct worker *worker)
{
    post(worker, &worker->shared.must_end_batches);
}

void worker_trim(struct worker *worker)
{
    post(worker, &worker->shared.must_trim);
}

bool worker_is_empty(const struct worker *worker)
{
    return atomic_load(&worker->shared.is_empty);
}

bool worker_is_idle(const struct worker *worker)
{
    return atomic_load(&worker->shared.is_idle);
}

/* ------------------------------------------------------------------ the turn */

static void on_closed(void *context, int fd)
{
    struct worker *worker = context;
    if (worker->setup.counts)
        address_counts_release(worker->setup.counts, fd);
    atomic_fetch_sub(&worker->shared.open_count, 1);
    atomic_fetch_sub(&worker->setup.state->open_connections, 1);
}

static void on_socket_pressure(void *context)
{
    struct worker *worker = context;
    for (unsigned i = 0; i < worker->setup.count; i++) {
        if (worker->setup.all[i] != worker)
            worker_trim(worker->setup.all[i]);
    }
}

static void on_would_refuse(void *context, const struct egress_notice *notice)
{
    struct worker *worker = context;
    egress_log_write(worker->setup.egress_log, notice, clock_now_us());
}

static void on_circuit_opened(void *context, const struct circuit_notice *notice)
{
    struct worker *worker = context;
    circuit_log_write(worker->setup.circuit_log, notice, clock_now_us());
}

static void ring_for_live(void *context, unsigned index)
{
    struct worker *worker = context;
    struct worker *other = worker->setup.all[index];
    live_desk_ring(other->live_desk);
    ring(other);
}

static void ring_self(void *context)
{
    ring(context);
}

static void on_mail(struct watch *watch, uint32_t ready)
{
    (void)ready;
    uint64_t rings;
    ssize_t got = read(watch->fd, &rings, sizeof rings);
    (void)got; /* only the bell; the mail is read in the turn */
}

static void adopt_all(struct worker *worker)
{
    pthread_mutex_lock(&worker->shared.lock);
    struct adoption *newest = worker->shared.adoptions;
    worker->shared.adoptions = NULL;
    pthread_mutex_unlock(&worker->shared.lock);
    struct adoption *oldest = NULL;
    while (newest) { /* first come, first served */
        struct adoption *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct adoption *next = oldest->next;
        doors_adopt(&worker->doors, &oldest->arrival);
        free(oldest);
        oldest = next;
    }
}

static void change(struct worker *worker, struct snapshot *snapshot)
{
    struct error err;
    struct snapshot *previous = worker->snapshot;
    worker->snapshot = snapshot_hold(snapshot);
    if (!doors_change(&worker->doors, snapshot, atomic_load(&worker->shared.has_new_door),
                      &err))
        log_message(LOG_ERROR, "tls_kept", err.text);
    fetcher_adopt(worker->fetcher, snapshot);
    worker->admission.target_us = snapshot->config->server.overload_delay_ms * 1000;
    snapshot_release(previous);
    atomic_store(&worker->shared.next, NULL);
    if (worker->setup.on_changed)
        worker->setup.on_changed(worker->setup.context);
}

static void read_mail(struct worker *worker)
{
    /* Asked first: what was to be adopted before the drain is then adopted here too, and
     * what came by a new listener comes under its configuration. */
    bool must_leave = atomic_exchange(&worker->shared.must_leave, false);
    bool must_drain = atomic_exchange(&worker->shared.must_drain, false);
    struct snapshot *next = atomic_load(&worker->shared.next);
    if (next)
        change(worker, next);
    adopt_all(worker);
    if (atomic_exchange(&worker->shared.must_trim, false))
        fetcher_trim(worker->fetcher);
    if (must_leave)
        doors_leave(&worker->doors);
    if (must_drain)
        doors_drain(&worker->doors);
    if (atomic_exchange(&worker->shared.must_end_batches, false))
        doors_end_batches(&worker->doors);
}

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
    read_mail(worker);
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

/* ------------------------------------------------------------------- lifecycle */

static bool open_doors(struct worker *worker, struct error *err)
{
    const struct front_setup setup = {
        .loop = &worker->loop,
        .snapshot = worker->snapshot,
        .fetcher = worker->fetcher,
        .admission = &worker->admission,
        .background = worker->setup.background,
        .background_port = worker->background_port,
        .budgets = worker->setup.budgets,
        .metrics = worker->setup.metrics,
        .tracer = worker->tracer,
        .state = worker->setup.state,
        .live_desk = worker->live_desk,
        .reload_desk = worker->reload_desk,
        .on_closed = on_closed,
        .context = worker,
    };
    return doors_open(&worker->doors, &setup, err);
}

static void make_live_desk(struct worker *worker)
{
    const struct live_desk_setup setup = {
        .board = worker->setup.live_board,
        .index = worker->setup.index,
        .loop = &worker->loop,
        .fetcher = worker->fetcher,
        .lag = &worker->lag,
        .clients = &worker->shared.open_count,
        .ring = ring_for_live,
        .context = worker,
    };
    worker->live_desk = live_desk_new(&setup);
}

static struct tracer *make_tracer(const struct worker_setup *setup)
{
    const struct config *config = fetch_shared_first(setup->shared)->config;
    uint64_t share = config->tracing.queue_max_bytes / setup->count;
    const struct span_resource resource = {
        .service_name = config->tracing.service_name,
        .service_version = GATHERD_VERSION,
        .instance_id = setup->state->instance_id,
    };
    if (!*config->tracing.otlp_endpoint)
        return NULL;
    return tracer_new(&resource, share > SPANS_BYTES_LEAST ? share : SPANS_BYTES_LEAST,
                      setup->metrics);
}

static bool make_parts(struct worker *worker, struct error *err)
{
    if (!loop_init(&worker->loop, err))
        return false;
    worker->shared.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->shared.event_fd < 0)
        return error_set_errno(err, errno, "cannot make a worker's mailbox");
    worker->mail_watch.on_ready = on_mail;
    if (!loop_watch(&worker->loop, &worker->mail_watch, worker->shared.event_fd, EPOLLIN))
        return error_set_errno(err, errno, "cannot watch a worker's mailbox");
    worker->tracer = make_tracer(&worker->setup);
    const struct fetcher_setup fetcher_setup = {
        .loop = &worker->loop,
        .shared = worker->setup.shared,
        .budgets = worker->setup.budgets,
        .metrics = worker->setup.metrics,
        .tracer = worker->tracer,
        .on_socket_pressure = on_socket_pressure,
        .on_would_refuse = on_would_refuse,
        .on_circuit_opened = on_circuit_opened,
        .context = worker,
    };
    worker->background_port =
        background_port_new(worker->setup.background, &worker->loop, err);
    if (!worker->background_port)
        return false;
    worker->fetcher = fetcher_new(&fetcher_setup, err);
    if (!worker->fetcher)
        return false;
    make_live_desk(worker);
    worker->reload_desk = reload_desk_new(worker->setup.reload_board, ring_self, worker);
    return open_doors(worker, err);
}

struct worker *worker_new(const struct worker_setup *setup, struct error *err)
{
    struct worker *worker = memory_new(sizeof *worker);
    worker->setup = *setup;
    worker->snapshot = snapshot_hold(fetch_shared_first(setup->shared));
    admission_init(&worker->admission,
                   worker->snapshot->config->server.overload_delay_ms * 1000);
    worker->loop.epoll_fd = -1;
    worker->shared.event_fd = -1;
    pthread_mutex_init(&worker->shared.lock, NULL);
    if (!make_parts(worker, err)) {
        worker_free(worker);
        return NULL;
    }
    return worker;
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
    post(worker, &worker->shared.must_stop);
    pthread_join(worker->thread, NULL);
    worker->is_started = false;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    while (worker->shared.adoptions) {
        struct adoption *next = worker->shared.adoptions->next;
        close(worker->shared.adoptions->arrival.fd);
        free(worker->shared.adoptions);
        worker->shared.adoptions = next;
    }
    /* Fronts first: their batches cancel calls of the fetcher. */
    doors_close(&worker->doors);
    live_desk_free(worker->live_desk);
    reload_desk_free(worker->reload_desk);
    fetcher_free(worker->fetcher);
    tracer_free(worker->tracer);
    /* Documents still being read belong to requests that are gone with their front. */
    background_port_free(worker->background_port);
    loop_unwatch(&worker->loop, &worker->mail_watch);
    if (worker->shared.event_fd >= 0)
        close(worker->shared.event_fd);
    loop_done(&worker->loop);
    snapshot_release(worker->snapshot);
    pthread_mutex_destroy(&worker->shared.lock);
    free(worker);
}
