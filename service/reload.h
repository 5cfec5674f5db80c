/* SPDX-License-Identifier: Apache-2.0 */
/* Another configuration while the service runs: by SIGHUP, or POST /-/reload.
 *
 *   read: the file whole, what it names, TLS credentials, authorities; listeners that
 *         come are opened. Whatever is wrong now changes nothing and is told.
 *   swap: ceilings, callers' limits and the log at once; listeners that went are closed
 *         (relisten.h); each worker in its next turn (worker_change), from when on what
 *         begins there follows it; listeners that came accept
 *   told: when all workers have changed: log, metrics, who asked, the service manager
 *
 * One at a time; who asks meanwhile gets another one behind it. main's thread. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/loop.h"
#include "fetch/fetcher.h"
#include "http/front.h"
#include "http/reload_desk.h"
#include "listener.h"
#include "notify.h"
#include "worker.h"

#include <stdbool.h>
#include <stddef.h>

/* Where the configuration comes from, each time. */
struct reload_source {
    const char *file;
    const struct config_override *overrides;
    size_t override_count;
};

struct reload_setup {
    struct loop *loop;
    struct reload_source source;
    struct config *config; /* the first one; outlives everything */
    struct notify *notify;
    struct process_state *state;
    struct budgets *budgets;
    struct metrics_shard *metrics; /* main's */
};

/* What there is only later. */
struct reload_parts {
    struct fetch_shared *shared;
    struct listener *listener;
    struct worker **workers;
    unsigned worker_count;
};

struct reload;

struct reload *reload_new(const struct reload_setup *setup, struct error *err) MUST_CHECK;
void reload_free(struct reload *reload); /* after the workers; NULL is fine */

/* reload_board: for the workers' desks. reload_changed: a worker's on_changed, any
 * thread.
 */
struct reload_board *reload_board(struct reload *reload);
void reload_changed(void *reload);

/* reload_begin: workers run, so from now on there can be reloads. */
void reload_begin(struct reload *reload, const struct reload_parts *parts);
/* reload_ask reloads, now or behind the one under way. reload_stop: the process is about
 * to end, so whoever asks from now on is refused: another configuration would open what
 * is being closed. */
void reload_ask(struct reload *reload);
void reload_stop(struct reload *reload);

/* reload_config: the configuration in use. */
const struct config *reload_config(const struct reload *reload);
