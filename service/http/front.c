/* SPDX-License-Identifier: Apache-2.0 */
/* The MHD daemon of one worker: external epoll mode without a listening socket, its epoll
 * set nested in the worker's loop. It starts and stops the daemon, hands it sockets, runs
 * it once a turn and drains it; connections are client.c's, requests exchange.c's.
 * worker.c calls it.
 *
 * MHD_run is needed in a turn when the nested set has an event, when a connection was
 * resumed (resuming wakes nothing in this mode), and when MHD says so by a timeout of 0
 * (bytes it has read already, a reply ready to be written, a request that began to wait
 * in this turn). Once a turn, however many were resumed: each run walks all suspended
 * connections. */
#include "http/front_state.h"

#include "base/log.h"
#include "base/log_writer.h"
#include "base/memory.h"
#include "base/random.h"
#include "batch/parse.h"
#include "http/exchange_complaint.h"
#include "http/front_tls.h"

#include <jansson.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A resumed connection needs a run to make its reply, one to write it and one to see that
 * there is nothing to read; doing up to this many at once saves turns of the loop. */
enum { RUNS_MAX = 3, PANIC_FLUSH_MS = 500 };

/* --------------------------------------------------------------------- the library */

static void on_panic(void *cls, const char *file, unsigned line, const char *reason)
{
    (void)cls;
    struct log_line entry;
    log_begin(&entry, LOG_ERROR, "libmicrohttpd_panic");
    log_text(&entry, "file", file);
    log_int(&entry, "line", line);
    log_text(&entry, "reason", reason);
    log_end(&entry);
    log_writer_flush(PANIC_FLUSH_MS);
    abort();
}

bool front_global_init(struct error *err)
{
    int major = 0, minor = 0, patch = 0;
    const char *version = MHD_get_version();
    if (sscanf(version, "%d.%d.%d", &major, &minor, &patch) != 3 ||
        (major == 0 && (minor < 9 || (minor == 9 && patch < 75))))
        return error_set(err, ERROR_SYSTEM,
                         "libmicrohttpd %s is too old: 0.9.75 or newer is needed",
                         version);
    MHD_set_panic_func(on_panic, NULL);
    parse_global_init();
    json_object_seed(0); /* from the system, and before there are threads */
    return true;
}

void front_versions(struct buffer *out)
{
    const char *advice = front_advice();
    buffer_append_format(out, "libmicrohttpd %s%s%s%s\n", MHD_get_version(),
                         advice ? " (" : "", advice ? advice : "", advice ? ")" : "");
    buffer_append_format(out, "jansson %s\n", jansson_version_str());
}

/* 1.0.3 is the first that refuses odd bytes in header names. Debian 12 and 13 have older
 * ones, so this is no reason not to start. */
const char *front_advice(void)
{
    if (strverscmp(MHD_get_version(), "1.0.3") >= 0)
        return NULL;
    return "older than 1.0.3: gatherd refuses malformed requests itself, but where "
           "strangers may call put a proxy that does so in front; see docs/security.md";
}

/* While MHD starts its words are the reason for a failure (a certificate that does not
 * parse). Later they are about what clients send, which is answered, not logged; but
 * 0.9.75 answers a bad Content-Length, and cookies that do not fit, by sending its status
 * line twice, so there the message is the only chance to answer it ourselves. */
static void PRINTF_LIKE(2, 0) on_message(void *cls, const char *format, va_list arguments)
{
    struct front *front = cls;
    if (!front->daemon && !front->start_fault[0])
        vsnprintf(front->start_fault, sizeof front->start_fault, format, arguments);
    if (MHD_VERSION >= 0x01000000 || !front->daemon)
        return;
    if (strstr(format, "Content-Length' header"))
        exchange_refuse_length(front);
    else if (strstr(format, "parse cookies"))
        exchange_refuse_cookies(front);
    else if (strstr(format, "Error processing request")) {
        exchange_leave_to_library(front);
        front->has_complaint = true;
    }
}

/* ------------------------------------------------------------------------ lifecycle */

static void on_daemon_ready(struct watch *watch, uint32_t ready)
{
    (void)ready;
    container_of(watch, struct front, daemon_watch)->has_event = true;
}

static bool start_daemon(struct front *front, const struct config *config,
                         struct error *err)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[FRONT_TLS_OPTIONS] = {{.option = MHD_OPTION_END}};
    if (front->is_tls) {
        flags |= MHD_USE_TLS;
        if (!front_tls_options(config, tls, err))
            return false;
    }
    /* The listener enforces server.max_connections, which may change; here only MHD's
     * default of 1020 is lifted. */
    unsigned limit = UINT_MAX / 2;
    front->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_on_request, front, MHD_OPTION_EXTERNAL_LOGGER,
        on_message, front, MHD_OPTION_URI_LOG_CALLBACK, exchange_on_target, front,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, front,
        MHD_OPTION_NOTIFY_CONNECTION, client_on_connection, front,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)config->server.head_max_bytes + REPLY_HEAD_MEMORY,
        MHD_OPTION_CONNECTION_LIMIT, limit,
/* 0.9.75 would answer a missing Host with two status lines; we vet it ourselves. */
#if MHD_VERSION >= 0x00097701
        MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#endif
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (front->daemon)
        return true;
    front->start_fault[strcspn(front->start_fault, "\n")] = '\0';
    return error_set(err, ERROR_SYSTEM, "%s: libmicrohttpd did not start: %s",
                     front->is_tls ? "server.tls" : "server",
                     front->start_fault[0] ? front->start_fault : "no reason given");
}

static bool watch_daemon(struct front *front, struct error *err)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(front->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    front->daemon_watch.on_ready = on_daemon_ready;
    if (info &&
        loop_watch(front->setup.loop, &front->daemon_watch, info->epoll_fd, EPOLLIN))
        return true;
    return error_set(err, ERROR_SYSTEM, "cannot watch libmicrohttpd's epoll set");
}

struct front *front_new(const struct front_setup *setup, struct error *err)
{
    struct front *front = memory_new(sizeof *front);
    front->setup = *setup;
    snapshot_hold(setup->snapshot);
    front->is_tls =
        setup->role == FRONT_MAIN && setup->snapshot->config->server.tls_certificate[0];
    front->needs_client_certificate =
        front->is_tls && setup->snapshot->config->server.tls_client_ca[0];
    list_init(&front->clients);
    list_init(&front->waiting);
    list_init(&front->heads);
    linger_init(&front->lingering, setup->loop);
    random_hex(front->id_prefix, (sizeof front->id_prefix - 1) / 2);
    front->id_next = random_u64();
    front->auth_failures.secret = random_u64();
    front->auth = auth_new(setup->snapshot->config);
    if (!start_daemon(front, setup->snapshot->config, err) || !watch_daemon(front, err)) {
        front_free(front);
        return NULL;
    }
    return front;
}

bool front_try(const struct config *config, struct error *err)
{
    struct front *front = memory_new(sizeof *front);
    front->is_tls = config->server.tls_certificate[0] != '\0';
    bool is_sound = start_daemon(front, config, err);
    if (is_sound)
        MHD_stop_daemon(front->daemon);
    free(front);
    return is_sound;
}

void front_free(struct front *front)
{
    if (!front)
        return;
    /* MHD refuses to stop while connections are suspended. */
    while (!list_is_empty(&front->waiting))
        exchange_gone(container_of(list_first(&front->waiting), struct exchange, node));
    loop_unwatch(front->setup.loop, &front->daemon_watch);
    if (front->daemon)
        MHD_stop_daemon(front->daemon);
    linger_done(&front->lingering);
    auth_free(front->auth);
    snapshot_release(front->setup.snapshot);
    fd_marks_done(&front->local_fds);
    free(front);
}

void front_adopt_snapshot(struct front *front, struct snapshot *snapshot)
{
    struct snapshot *previous = front->setup.snapshot;
    front->setup.snapshot = snapshot_hold(snapshot);
    auth_free(front->auth);
    front->auth = auth_new(snapshot->config);
    snapshot_release(previous);
}

/* ------------------------------------------------------------------------- the turn */

static struct log_class not_adopted_lines = LOG_CLASS(1, 5);

void front_adopt(struct front *front, const struct front_arrival *arrival)
{
    const struct sockaddr *address = (const struct sockaddr *)&arrival->address;
    fd_marks_set(&front->local_fds, arrival->fd, arrival->is_local);
    /* MHD announces the connection in its next run, or never if it cannot serve it. */
    front->arriving++;
    front->has_event = true;
    if (MHD_add_connection(front->daemon, arrival->fd, address, arrival->address_len) ==
        MHD_YES)
        return;
    log_message_class(LOG_WARNING, "client_not_adopted",
                      "libmicrohttpd did not take the connection", &not_adopted_lines,
                      front->setup.loop->now_us);
}

static bool wants_to_run(struct front *front)
{
    MHD_UNSIGNED_LONG_LONG wait = 1;
    return MHD_get_timeout(front->daemon, &wait) == MHD_YES && wait == 0;
}

void front_turn(struct front *front)
{
    bool must_run = front->has_event || front->has_resumed || wants_to_run(front);
    front->turn++;
    front->has_held = false;
    for (int runs = 0; must_run && runs < RUNS_MAX; runs++) {
        front->has_event = false;
        front->has_resumed = false;
        front->run++;
        MHD_run(front->daemon);
        if (front->has_complaint)
            exchange_leave_to_library(front);
        front->has_complaint = false;
        /* For those who began to wait MHD always wants to: they have until next turn. */
        must_run = front->has_resumed || (!front->has_held && wants_to_run(front));
    }
    for (; front->arriving; front->arriving--)
        front->setup.on_closed(front->setup.context, -1);
}

int front_wait_ms(struct front *front)
{
    return front->has_event || front->has_resumed || wants_to_run(front) ? 0 : -1;
}

/* ------------------------------------------------------------------------- the drain */

static void set_idle_clocks(struct front *front)
{
    for (struct list *node = front->clients.next; node != &front->clients;
         node = node->next) {
        struct client *client = container_of(node, struct client, node);
        if (client->phase == CLIENT_IDLE)
            client_enter(client, CLIENT_IDLE);
    }
}

void front_leave(struct front *front)
{
    front->is_leaving = true;
    set_idle_clocks(front);
}

bool front_has_clients(const struct front *front)
{
    return front->arriving > 0 || !list_is_empty(&front->clients);
}

void front_drain(struct front *front)
{
    front->is_leaving = true;
    front->is_draining = true;
    set_idle_clocks(front); /* which are over */
}

static bool has_batch(const struct front *front)
{
    for (struct list *node = front->clients.next; node != &front->clients;
         node = node->next) {
        const struct exchange *exchange =
            container_of(node, struct client, node)->exchange;
        if (exchange && exchange->route && exchange->route->has_body)
            return true;
    }
    return false;
}

bool front_is_idle(const struct front *front)
{
    if (front->setup.role == FRONT_OPS)
        return !has_batch(front);
    return front->exchange_count == 0 && front->new_count == 0;
}

void front_end_batches(struct front *front)
{
    /* Each is asked once, and leaves the list now or, when its batch is large, some turns
     * later. */
    struct list *next;
    for (struct list *node = front->waiting.next; node != &front->waiting; node = next) {
        struct exchange *exchange = container_of(node, struct exchange, node);
        next = node->next;
        exchange->waiter.on_drain(exchange->waiter.work);
    }
}
