/* SPDX-License-Identifier: Apache-2.0 */
/* How other threads reach a worker: they leave something in its mailbox and ring; the
 * worker looks once a turn and does what it says, down to changing to another
 * configuration. Below the line runs in the worker's thread. Called by worker.c and, by
 * worker.h, from everywhere. */
#include "worker_state.h"

#include "base/bell.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct adoption {
    struct adoption *next;
    struct front_arrival arrival;
};

void worker_mail_ring(struct worker *worker)
{
    bell_ring(worker->shared.event_fd);
}

static void post(struct worker *worker, atomic_bool *flag)
{
    atomic_store(flag, true);
    worker_mail_ring(worker);
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
    worker_mail_ring(worker);
}

unsigned worker_open_count(const struct worker *worker)
{
    return atomic_load(&worker->shared.open_count);
}

void worker_change(struct worker *worker, struct snapshot *snapshot, bool has_new_door)
{
    atomic_store(&worker->shared.has_new_door, has_new_door);
    atomic_store(&worker->shared.next, snapshot);
    worker_mail_ring(worker);
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

/* ------------------------------------------------------------------ the worker's own */

static void on_mail(struct watch *watch, uint32_t ready)
{
    (void)ready;
    bell_hear(watch->fd); /* the mail is read in the turn */
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

void worker_mail_read(struct worker *worker)
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

bool worker_mail_open(struct worker *worker, struct error *err)
{
    worker->shared.event_fd = bell_new();
    if (worker->shared.event_fd < 0)
        return error_set_errno(err, errno, "cannot make a worker's mailbox");
    worker->mail_watch.on_ready = on_mail;
    if (!loop_watch(&worker->loop, &worker->mail_watch, worker->shared.event_fd, EPOLLIN))
        return error_set_errno(err, errno, "cannot watch a worker's mailbox");
    return true;
}

void worker_mail_close(struct worker *worker)
{
    while (worker->shared.adoptions) {
        struct adoption *next = worker->shared.adoptions->next;
        close(worker->shared.adoptions->arrival.fd);
        free(worker->shared.adoptions);
        worker->shared.adoptions = next;
    }
    loop_unwatch(&worker->loop, &worker->mail_watch);
    if (worker->shared.event_fd >= 0)
        close(worker->shared.event_fd);
}
