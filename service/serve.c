/* SPDX-License-Identifier: Apache-2.0 */
/* The process: listeners, workers, signals, drain. Runs in main's thread with a loop of
 * its own; everything a client or an upstream does happens in the workers.
 *
 *   start: descriptors → sockets bound → workers made → sandbox → workers started
 *          → accepting, ready
 *   end (departure.h): clients seen off, batches finished → workers stopped → exit 0 */
#include "serve.h"

#include "address_counts.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "base/log.h"
#include "base/log_writer.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/second_signal.h"
#include "config/syntax.h"
#include "confine.h"
#include "departure.h"
#include "descriptors.h"
#include "circuit_log.h"
#include "egress_log.h"
#include "fetch/fetcher.h"
#include "http/front.h"
#include "ceilings.h"
#include "listener.h"
#include "listening.h"
#include "notify.h"
#include "reload.h"
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    /* Containers may be allowed a billion; the kernel gives the lowest free number. */
    COUNTED_DESCRIPTORS_MAX = 4 * 1024 * 1024,
    LAST_LINES_MS = 500, /* at the end: for whoever reads the log */
    FORCED_FLUSH_MS = 50,
};

struct service {
    const struct config *config;
    struct config *secrets; /* the same one, to wipe what is used up */
    const struct reload_source *source;
    struct reload *reload;
    struct loop loop;
    struct process_state state;
    struct budgets budgets;
    struct address_counts *counts; /* NULL without max_connections_per_address */
    struct egress_log egress_log;
    struct circuit_log circuit_log;
    struct fetch_shared *shared;
    struct background *background;
    struct live_board *live_board;
    struct metrics_shard **shards; /* one a worker, the last is main's */
    struct worker **workers;
    unsigned worker_count;
    struct listener *listener;
    struct listening listening;
    struct notify notify;
    struct watch signals;
    struct departure departure;
    uint64_t asked_ms; /* when the first signal came */
    bool is_forced;    /* a second signal */
};

/* --------------------------------------------------------------------- starting */

static void prepare_departure(struct service *service)
{
    const struct departure_setup setup = {
        .loop = &service->loop,
        .state = &service->state,
        .listener = service->listener,
        .workers = service->workers,
        .worker_count = service->worker_count,
        .notify = &service->notify,
    };
    departure_init(&service->departure, &setup);
}

static bool make_workers(struct service *service, struct error *err)
{
    snapshot_apply(fetch_shared_first(service->shared), &service->budgets.in_flight);
    for (unsigned i = 0; i < service->worker_count; i++) {
        const struct worker_setup setup = {
            .index = i,
            .shared = service->shared,
            .budgets = &service->budgets,
            .background = service->background,
            .state = &service->state,
            .counts = service->counts,
            .metrics = service->shards[i],
            .live_board = service->live_board,
            .reload_board = reload_board(service->reload),
            .on_changed = reload_changed,
            .context = service->reload,
            .egress_log = &service->egress_log,
            .circuit_log = &service->circuit_log,
            .all = service->workers,
            .count = service->worker_count,
        };
        service->workers[i] = worker_new(&setup, err);
        if (!service->workers[i])
            return false;
    }
    return true;
}

static bool start_workers(struct service *service, struct error *err)
{
    for (unsigned i = 0; i < service->worker_count; i++) {
        if (!worker_start(service->workers[i], err))
            return false;
    }
    return true;
}

static void make_shards(struct service *service)
{
    size_t count = service->worker_count + 1;
    service->workers = memory_new(service->worker_count * sizeof(struct worker *));
    service->shards = memory_new(count * sizeof(struct metrics_shard *));
    for (size_t i = 0; i < count; i++)
        service->shards[i] = metrics_shard_new();
    service->state.shards = service->shards;
    service->state.shard_count = count;
    service->state.version = GATHERD_VERSION;
    service->state.started_at_ms = clock_wall_ms();
    service->state.started_ms = clock_now_ms();
    atomic_store(&service->state.config_generation, 1);
    atomic_store(&service->state.config_loaded_at_ms, service->state.started_at_ms);
    random_hex(service->state.instance_id, sizeof service->state.instance_id / 2);
}

static void make_counts(struct service *service, const struct descriptors *descriptors)
{
    uint64_t limit = service->config->server.max_connections_per_address;
    uint64_t fd_max = descriptors_limit();
    if (fd_max > COUNTED_DESCRIPTORS_MAX)
        fd_max = COUNTED_DESCRIPTORS_MAX;
    if (limit)
        service->counts = address_counts_new(
            (unsigned)limit, descriptors->max_connections, fd_max, random_u64());
}

/* Only for those who can be reached by others: on Debian 12 and 13 there is no newer one
 * to install. */
static void log_advice(const struct service *service)
{
    const char *advice = front_advice();
    const struct config_strings *addresses = &service->config->server.listen;
    bool is_local = true;
    for (size_t i = 0; i < addresses->count; i++)
        is_local = is_local && syntax_is_local_listen(addresses->items[i]);
    if (advice && !is_local)
        log_message(LOG_WARNING, "old_libmicrohttpd", advice);
}

static void log_started(struct service *service)
{
    struct buffer main_addresses, ops_addresses;
    buffer_init(&main_addresses, 4096);
    buffer_init(&ops_addresses, 4096);
    listener_addresses(service->listener, FRONT_MAIN, &main_addresses);
    listener_addresses(service->listener, FRONT_OPS, &ops_addresses);
    struct log_line line;
    log_begin(&line, LOG_INFO, "started");
    log_text(&line, "version", GATHERD_VERSION);
    log_slice(&line, "listen", buffer_slice(&main_addresses));
    if (ops_addresses.len)
        log_slice(&line, "ops", buffer_slice(&ops_addresses));
    log_int(&line, "workers", service->worker_count);
    log_end(&line);
    buffer_done(&main_addresses);
    buffer_done(&ops_addresses);
}

static void depart(struct service *service, enum departure_reason reason)
{
    reload_stop(service->reload);
    departure_start(&service->departure, reason, reload_config(service->reload));
}

static void on_signal(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct service *service = container_of(watch, struct service, signals);
    struct signalfd_siginfo info;
    if (read(watch->fd, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGHUP) {
        reload_ask(service->reload);
    } else if (service->departure.is_asked) {
        if (!second_signal_is_meant(service->asked_ms, service->loop.now_ms))
            return;
        log_message(LOG_WARNING, "stopped", "a second signal: ending at once");
        service->is_forced = true;
    } else {
        service->departure.is_asked = true;
        service->asked_ms = service->loop.now_ms;
        if (!service->departure.is_begun) { /* by a successor */
            depart(service, DEPARTURE_STOP);
            listening_end(&service->listening);
        }
    }
}

/* Another gatherd has the listening sockets and serves. */
static void on_taken(void *context)
{
    struct service *service = context;
    if (!service->departure.is_begun)
        depart(service, DEPARTURE_HANDED_OVER);
}

static bool start_listening(struct service *service, struct error *err)
{
    const struct listening_setup setup = {.loop = &service->loop,
                                          .config = service->config,
                                          .on_taken = on_taken,
                                          .context = service};
    return listening_start(&service->listening, &setup, err);
}

static bool watch_signals(struct service *service, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* inherited by every thread started later */
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot make a signal descriptor");
    service->signals.fd = fd;
    service->signals.on_ready = on_signal;
    return loop_watch(&service->loop, &service->signals, fd, EPOLLIN) ||
           error_set_errno(err, errno, "cannot watch signals");
}

static bool make_reload(struct service *service, struct error *err)
{
    const struct reload_setup setup = {
        .loop = &service->loop,
        .source = *service->source,
        .config = service->secrets,
        .notify = &service->notify,
        .state = &service->state,
        .budgets = &service->budgets,
        .metrics = service->shards[service->worker_count],
    };
    service->reload = reload_new(&setup, err);
    return service->reload != NULL;
}

static void begin_reloads(struct service *service)
{
    const struct reload_parts parts = {
        .shared = service->shared,
        .listener = service->listener,
        .workers = service->workers,
        .worker_count = service->worker_count,
    };
    reload_begin(service->reload, &parts);
}

/* -------------------------------------------------------------------- the whole */

static bool start(struct service *service, struct error *err)
{
    struct ceilings ceilings;
    if (!loop_init(&service->loop, err) || !watch_signals(service, err) ||
        !ceilings_find(service->config, service->worker_count, &ceilings, err) ||
        !fetch_global_init(err) || !front_global_init(err))
        return false;
    if (!notify_open(&service->notify))
        log_message(LOG_WARNING, "notify_failed",
                    "NOTIFY_SOCKET: nobody is there to be told that gatherd is ready");
    make_shards(service);
    ceilings_use(&ceilings, service->config, &service->budgets);
    make_counts(service, &ceilings.descriptors);
    const struct listener_setup setup = {
        .loop = &service->loop,
        .workers = service->workers,
        .worker_count = service->worker_count,
        .state = &service->state,
        .max_connections = ceilings.descriptors.max_connections,
        .counts = service->counts,
        .metrics = service->shards[service->worker_count],
    };
    service->listener = listener_new(&setup);
    listening_init(&service->listening, service->listener);
    prepare_departure(service);
    if (!listening_open(&service->listening, service->config, err))
        return false;
    service->shared = fetch_shared_new(service->config, err);
    service->background = background_new();
    service->live_board = live_board_new(service->worker_count);
    if (!make_reload(service, err))
        return false;
    if (!service->shared ||
        !listener_refuse_own(service->listener, fetch_shared_first(service->shared),
                             NULL, err) ||
        !make_workers(service, err))
        return false;
    config_forget_tls_key(service->secrets); /* every front has read it */
    /* Threads inherit what confines the process, so none runs before. */
    if (!confine_process(service->config, service->source->file, err) ||
        !log_writer_start(err) || !background_start(service->background, err) ||
        !start_workers(service, err))
        return false;
    atomic_store(&service->state.is_ready, true); /* nobody can ask before it listens */
    if (!start_listening(service, err))
        return false;
    begin_reloads(service);
    log_advice(service);
    log_started(service);
    notify_ready(&service->notify, "serving");
    return true;
}

static void stop(struct service *service)
{
    listening_end(&service->listening);
    listener_free(service->listener);
    for (unsigned i = 0; service->workers && i < service->worker_count; i++)
        worker_stop(service->workers[i]);
    for (unsigned i = 0; service->workers && i < service->worker_count; i++)
        worker_free(service->workers[i]);
    live_board_free(service->live_board);
    reload_free(service->reload);
    background_free(service->background);
    fetch_shared_free(service->shared);
    for (size_t i = 0; i < service->state.shard_count; i++)
        metrics_shard_free(service->shards[i]);
    address_counts_free(service->counts);
    free(service->shards);
    free(service->workers);
    if (service->signals.is_watched)
        close(service->signals.fd);
    loop_done(&service->loop);
    notify_close(&service->notify);
    fetch_global_done();
}

int serve_run(struct config *config, const struct reload_source *source)
{
    struct service service = {
        .config = config,
        .secrets = config,
        .source = source,
        .loop = {.epoll_fd = -1},
        .notify = {.fd = -1},
        .listening = {.successor = {.fd = -1}, .handover_fd = -1},
        .worker_count =
            config->server.workers ? (unsigned)config->server.workers : cpus_usable(""),
    };
    struct error err = {0};
    confine_memory(config);
    memory_tune();
    (void)memory_keep_reserve(); /* tried again before each batch */
    egress_log_init(&service.egress_log);
    circuit_log_init(&service.circuit_log);
    bool started = start(&service, &err);
    if (!started)
        log_message(LOG_ERROR, "start_failed", err.text);
    while (started && !service.departure.is_over && !service.is_forced) {
        loop_wait(&service.loop, -1);
        loop_run_due(&service.loop);
    }
    if (service.is_forced) {
        (void)log_writer_flush(FORCED_FLUSH_MS);
        _exit(0); /* at once: connections are the kernel's to close */
    }
    if (started)
        log_message(LOG_INFO, "stopped", "drained");
    stop(&service);
    log_writer_stop(LAST_LINES_MS);
    return started ? 0 : 1;
}
