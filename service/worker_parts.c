/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker is made of, and what its parts tell it: made in worker_new, in main's
 * thread, before anything runs; freed when its thread has ended. */
#include "worker_state.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>

enum { SPANS_BYTES_LEAST = 1 << 20 }; /* that wait in one worker */

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
    worker_mail_ring(other);
}

static void ring_self(void *context)
{
    worker_mail_ring(context);
}

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
    if (!loop_init(&worker->loop, err) || !worker_mail_open(worker, err))
        return false;
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

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    /* Fronts first: their batches cancel calls of the fetcher. */
    doors_close(&worker->doors);
    live_desk_free(worker->live_desk);
    reload_desk_free(worker->reload_desk);
    fetcher_free(worker->fetcher);
    tracer_free(worker->tracer);
    /* Documents still being read belong to requests that are gone with their front. */
    background_port_free(worker->background_port);
    worker_mail_close(worker);
    loop_done(&worker->loop);
    snapshot_release(worker->snapshot);
    pthread_mutex_destroy(&worker->shared.lock);
    free(worker);
}
