/* SPDX-License-Identifier: Apache-2.0 */
/* One core: a thread with a loop, a fetcher, the fronts and a metrics shard. Other
 * threads reach it through its mailbox only. */
#pragma once

#include "address_counts.h"
#include "base/attributes.h"
#include "base/error.h"
#include "config/config.h"
#include "circuit_log.h"
#include "egress_log.h"
#include "fetch/fetcher.h"
#include "http/front.h"

#include <stdbool.h>
#include <sys/socket.h>

struct worker;

struct worker_setup {
    unsigned index;
    struct fetch_shared *shared;
    struct budgets *budgets;
    struct background *background;
    struct process_state *state;
    struct address_counts *counts; /* of client connections; NULL: not limited */
    struct metrics_shard *metrics;
    struct live_board *live_board;
    struct reload_board *reload_board;
    struct egress_log *egress_log; /* all workers' */
    struct circuit_log *circuit_log;
    struct worker **all; /* every worker, `count` of them; filled before worker_start */
    unsigned count;
    /* Called in the worker's thread when worker_has_changed comes true. May be NULL. */
    void (*on_changed)(void *context);
    void *context;
};

/* worker_new makes the worker's parts; nothing runs yet. main's thread. */
struct worker *worker_new(const struct worker_setup *setup, struct error *err) MUST_CHECK;
bool worker_start(struct worker *worker, struct error *err) MUST_CHECK;

/* worker_adopt hands over an accepted socket. worker_open_count: how many this worker
 * has, the ones on their way included. Any thread. */
void worker_adopt(struct worker *worker, const struct front_arrival *arrival);
unsigned worker_open_count(const struct worker *worker);

/* worker_change: what begins from now on follows `snapshot`, which the caller holds until
 * worker_has_changed. `has_new_door`: what the fronts were made with is another now
 * (server.tls, server.head_max_bytes), so there are new ones, and those there were see
 * their clients off. Any thread; not again before worker_has_changed. */
void worker_change(struct worker *worker, struct snapshot *snapshot, bool has_new_door);
bool worker_has_changed(const struct worker *worker);

/* worker_leave: the clients are seen off (front_leave). worker_drain: finish what was
 * accepted. worker_end_batches: end what still runs with `cancelled` items.
 * worker_is_empty: after worker_leave no client is left. worker_is_idle: after
 * worker_drain nothing is under way. worker_trim: close idle upstream connections. Any
 * thread; they take effect in the worker's next turn. */
void worker_leave(struct worker *worker);
void worker_drain(struct worker *worker);
void worker_end_batches(struct worker *worker);
void worker_trim(struct worker *worker);
bool worker_is_empty(const struct worker *worker);
bool worker_is_idle(const struct worker *worker);

/* worker_stop ends the thread and joins it; worker_free releases what worker_new made. */
void worker_stop(struct worker *worker);
void worker_free(struct worker *worker);
