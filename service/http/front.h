/* SPDX-License-Identifier: Apache-2.0 */
/* The client side of one worker: its libmicrohttpd daemon (external epoll mode, nested in
 * the worker's loop), adopting sockets the listener accepted. One worker thread, except
 * where said. */
#pragma once

#include "base/attributes.h"
#include "base/background.h"
#include "base/error.h"
#include "base/loop.h"
#include "config/config.h"
#include "fetch/budget.h"
#include "fetch/fetcher.h"
#include "http/admission.h"
#include "http/live_desk.h"
#include "http/reload_desk.h"
#include "metrics/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* What the process tells all workers; written by main, read anywhere. */
struct process_state {
    atomic_bool is_ready;          /* every worker runs and the listeners are open */
    atomic_bool is_leaving;        /* SIGTERM or a successor came: not ready any more */
    atomic_bool is_draining;       /* and new batches are refused */
    atomic_uint open_connections;  /* clients connected, all workers */
    struct metrics_shard **shards; /* of every worker; fixed before threads start */
    size_t shard_count;
    const char *version;
    uint64_t started_at_ms;                   /* since 1970 */
    uint64_t started_ms;                      /* clock_now_ms */
    atomic_uint_fast64_t config_generation;   /* counts up with each one in use, from 1 */
    atomic_uint_fast64_t config_loaded_at_ms; /* since 1970 */
    char instance_id[33];                     /* of this process, random */
};

enum front_role {
    FRONT_MAIN, /* the service; with no ops listener also metrics and readiness */
    FRONT_OPS,  /* health, readiness, metrics, the console */
};

/* An accepted socket. */
struct front_arrival {
    int fd;
    enum front_role role;
    bool is_local; /* its listener is bound to a loopback address or a unix socket */
    socklen_t address_len;
    struct sockaddr_storage address; /* the client's */
};

struct front_setup {
    enum front_role role;
    struct loop *loop;
    struct snapshot *snapshot; /* the current one; front_new and front_adopt_snapshot
                                  hold it */
    struct fetcher *fetcher;
    const struct admission *admission;       /* of this loop */
    struct background *background;           /* for large documents */
    struct background_port *background_port; /* of this loop */
    struct budgets *budgets;
    struct metrics_shard *metrics;
    struct tracer *tracer; /* NULL: no trace is recorded */
    struct process_state *state;
    struct live_desk *live_desk;     /* of this loop */
    struct reload_desk *reload_desk; /* likewise */
    /* Called when a client connection ends, for the listener's counts; any moment of the
     * turn. `fd` is still open, or -1 if the connection was never served. */
    void (*on_closed)(void *context, int fd);
    void *context;
};

struct front;

/* front_global_init refuses a libmicrohttpd that is too old, sets its panic function. */
bool front_global_init(struct error *err) MUST_CHECK;
/* front_versions appends "libmicrohttpd 0.9.75" and jansson's, one a line. */
void front_versions(struct buffer *out);
/* front_advice says what to do about a libmicrohttpd that is old; NULL: nothing. */
const char *front_advice(void);

struct front *front_new(const struct front_setup *setup, struct error *err) MUST_CHECK;
/* front_free closes every connection and frees every batch, without replies. */
void front_free(struct front *front);

/* front_adopt_snapshot: requests whose head is complete from now on come under it. The
 * TLS side, and server.head_max_bytes, stay what they were: that takes another front,
 * while this one sees its clients off (front_leave). */
void front_adopt_snapshot(struct front *front, struct snapshot *snapshot);
/* front_try tells what front_new would find wrong with server.tls; starts nothing. Any
 * thread. */
bool front_try(const struct config *config, struct error *err) MUST_CHECK;

/* front_adopt takes over the socket (closes it when it cannot be served; then on_closed
 * comes). */
void front_adopt(struct front *front, const struct front_arrival *arrival);

/* front_turn runs MHD once if it has an event, a resumed connection or asked to be run;
 * last in the worker's turn. */
void front_turn(struct front *front);
/* front_wait_ms: how long the next wait may last: 0 when MHD wants to run at once, -1: no
 * limit. */
int front_wait_ms(struct front *front);

/* front_leave: clients are seen off, none is told no: replies say Connection: close, and
 * connections that stay idle for a second are closed. front_has_clients: some are left.
 */
void front_leave(struct front *front);
bool front_has_clients(const struct front *front);

/* front_drain: idle connections are closed, new ones after half a second, in which their
 * first request is told 503; replies say Connection: close. front_is_idle: no exchange is
 * under way, and none can be on its way on a new connection; for FRONT_OPS, which is not
 * drained: no batch is under way. front_end_batches: items not
 * done become `cancelled`, replies leave. */
void front_drain(struct front *front);
bool front_is_idle(const struct front *front);
void front_end_batches(struct front *front);
