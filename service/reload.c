/* SPDX-License-Identifier: Apache-2.0 */
/* A reload from its request to its last word. Called by serve.c, and by the bell that
 * workers ring. */
#include "reload.h"

#include "base/bell.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/diff.h"
#include "ceilings.h"
#include "relisten.h"
#include "reload_report.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
    FAULTS_MAX_BYTES = 1 << 20,
    ANSWER_MAX = 600 * 1024,
};

struct reload {
    struct reload_setup setup;
    struct reload_parts parts;
    struct reload_board *board;
    struct watch bell;         /* asked for, or a worker has changed */
    struct snapshot *snapshot; /* in use; held */
    struct snapshot *previous; /* while workers change; held */
    struct config *fresh;      /* of `snapshot`, whose TLS key is not wiped yet */
    struct buffer faults;      /* warnings, when there is nothing else */
    bool is_open;
    bool is_stopped;
    bool is_wanted;
};

const struct config *reload_config(const struct reload *reload)
{
    return reload->snapshot ? reload->snapshot->config : reload->setup.config;
}

struct reload_board *reload_board(struct reload *reload)
{
    return reload->board;
}

void reload_changed(void *context)
{
    const struct reload *reload = context;
    bell_ring(reload->bell.fd);
}

/* -------------------------------------------------------------------------- the end */

static void refuse(struct reload *reload, struct snapshot *next, struct config *config)
{
    struct log_line line;
    struct slice faults = buffer_slice(&reload->faults);
    snapshot_release(next);
    config_free(config);
    reload_report_faults(faults, false);
    log_begin(&line, LOG_ERROR, "reload_refused");
    log_text(&line, "message", "the configuration in use was not changed");
    log_int(&line, "generation",
            (int64_t)atomic_load(&reload->setup.state->config_generation));
    log_end(&line);
    metrics_add(reload->setup.metrics, METRIC_RELOADS, RELOAD_REFUSED, 1);
    reload_board_end(reload->board, false, faults);
    buffer_done(&reload->faults);
    notify_ready(reload->setup.notify, "serving; the last reload was refused");
}

static void refuse_because(struct reload *reload, struct snapshot *next,
                           struct config *config, const struct error *err)
{
    buffer_append_format(&reload->faults, "%s: %s\n", reload->setup.source.file,
                         err->text);
    refuse(reload, next, config);
}

/* Every worker has changed. */
static void finish(struct reload *reload)
{
    struct reload_report report = {.changed_count = 0};
    struct snapshot *previous = reload->previous;
    const struct config *config = reload->snapshot->config;
    struct buffer answer;
    uint64_t generation =
        atomic_fetch_add(&reload->setup.state->config_generation, 1) + 1;
    uint64_t now_ms = clock_wall_ms();
    atomic_store(&reload->setup.state->config_loaded_at_ms, now_ms);
    reload_report_make(&report, reload->setup.config, previous->config, config,
                       previous->tls_store != reload->snapshot->tls_store);
    reload_report_faults(buffer_slice(&reload->faults), true);
    reload_report_log(&report, previous->config, config, generation);
    buffer_done(&reload->faults);
    config_forget_tls_key(reload->fresh); /* every front has read it */
    reload->fresh = NULL;
    reload->previous = NULL;
    snapshot_release(previous);
    metrics_add(reload->setup.metrics, METRIC_RELOADS, RELOAD_DONE, 1);
    metrics_set(reload->setup.metrics, METRIC_CONFIG_GENERATION, generation);
    metrics_set(reload->setup.metrics, METRIC_CONFIG_LOADED, now_ms / 1000);
    buffer_init(&answer, ANSWER_MAX);
    reload_report_answer(&report, generation, &answer);
    reload_board_end(reload->board, true, buffer_slice(&answer));
    buffer_done(&answer);
    reload_report_done(&report);
    if (!reload->is_stopped) /* else the manager knows that it ends */
        notify_ready(reload->setup.notify, "serving");
}

static bool is_changing(const struct reload *reload)
{
    if (!reload->previous)
        return false;
    for (unsigned i = 0; i < reload->parts.worker_count; i++) {
        if (!worker_has_changed(reload->parts.workers[i]))
            return true;
    }
    return false;
}

/* -------------------------------------------------------------------------- the swap */

static bool has_new_door(const struct config *before, const struct config *after)
{
    return config_differs(before, after, "server.tls.certificate") ||
           config_differs(before, after, "server.tls.key") ||
           config_differs(before, after, "server.tls.client_ca") ||
           config_differs(before, after, "server.head_max_bytes");
}

static struct relisten relisten_to(const struct reload *reload,
                                   const struct config *config)
{
    return (struct relisten){.listener = reload->parts.listener,
                             .before = reload_config(reload),
                             .after = config,
                             .is_sandboxed = reload->setup.config->process.sandbox};
}

static void swap(struct reload *reload, struct snapshot *next, struct config *config,
                 const struct ceilings *ceilings)
{
    struct error err;
    const struct config *before = reload_config(reload);
    bool is_new = has_new_door(before, config);
    const struct relisten relisten = relisten_to(reload, config);
    snapshot_own(next, config);
    reload->fresh = config;
    reload->previous = reload->snapshot;
    reload->snapshot = next;
    log_setup((enum log_level)config->log.level, (enum log_format)config->log.format);
    ceilings_use(ceilings, config, reload->setup.budgets);
    listener_limit(reload->parts.listener, ceilings->descriptors.max_connections);
    snapshot_apply(next, &reload->setup.budgets->in_flight);
    relisten_close(&relisten);
    for (unsigned i = 0; i < reload->parts.worker_count; i++)
        worker_change(reload->parts.workers[i], next, is_new);
    /* Behind that: what they accept comes under the new configuration. */
    if (!relisten_start(&relisten, &err))
        log_message(LOG_ERROR, "accept_failed", err.text);
}

/* A pipe is read once; reading it again would give an empty file, with every default. */
static bool can_be_read_again(const char *file, struct error *err)
{
    struct stat status;
    if (stat(file, &status) != 0 || S_ISDIR(status.st_mode))
        return true; /* config_load says it better */
    if (S_ISREG(status.st_mode) ||
        (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))) /* /dev/null */
        return true;
    return error_set(err, ERROR_INVALID, "it is no file, and so can be read only once");
}

static struct config *read_config(struct reload *reload)
{
    const struct reload_source *source = &reload->setup.source;
    struct error err;
    if (can_be_read_again(source->file, &err))
        return config_load(source->file, source->overrides, source->override_count,
                           &reload->faults);
    buffer_append_format(&reload->faults, "%s: %s\n", source->file, err.text);
    return NULL;
}

static void run(struct reload *reload)
{
    struct error err;
    struct ceilings ceilings;
    reload_board_begin(reload->board);
    notify_reloading(reload->setup.notify);
    buffer_init(&reload->faults, FAULTS_MAX_BYTES);
    struct config *config = read_config(reload);
    if (!config) {
        refuse(reload, NULL, NULL);
        return;
    }
    const struct config *before = reload_config(reload);
    const struct relisten relisten = relisten_to(reload, config);
    struct snapshot *next =
        snapshot_new(fetch_shared_callers(reload->parts.shared), config, &err);
    bool is_sound = next && snapshot_share(next, reload->snapshot, &err) &&
                    ceilings_find(config, reload->parts.worker_count, &ceilings, &err) &&
                    (!has_new_door(before, config) || front_try(config, &err)) &&
                    relisten_ready(&relisten, next, reload->snapshot, &err);
    if (is_sound)
        swap(reload, next, config, &ceilings);
    else
        refuse_because(reload, next, config, &err);
}

static void turn_away(struct reload *reload)
{
    static const char why[] = "this process is ending and is not reloaded";
    log_message(LOG_WARNING, "reload_refused", why);
    metrics_add(reload->setup.metrics, METRIC_RELOADS, RELOAD_REFUSED, 1);
    reload_board_begin(reload->board);
    reload_board_end(reload->board, false, slice_from(why));
}

static void go_on(struct reload *reload)
{
    if (reload->previous && !is_changing(reload))
        finish(reload);
    if (!reload->is_open || reload->previous)
        return;
    if (!reload->is_wanted && !reload_board_is_asked(reload->board))
        return;
    reload->is_wanted = false;
    if (reload->is_stopped) {
        turn_away(reload);
        return;
    }
    run(reload);
    reload_changed(reload); /* look again: for those who asked meanwhile */
}

static void on_bell(struct watch *watch, uint32_t ready)
{
    (void)ready;
    bell_hear(watch->fd);
    go_on(container_of(watch, struct reload, bell));
}

/* ------------------------------------------------------------------------- lifecycle */

struct reload *reload_new(const struct reload_setup *setup, struct error *err)
{
    struct reload *reload = memory_new(sizeof *reload);
    reload->setup = *setup;
    reload->board = reload_board_new(reload_changed, reload);
    reload->bell.fd = bell_new();
    reload->bell.on_ready = on_bell;
    if (reload->bell.fd >= 0 &&
        loop_watch(setup->loop, &reload->bell, reload->bell.fd, EPOLLIN))
        return reload;
    error_set_errno(err, errno, "cannot make the reload's bell");
    reload_free(reload);
    return NULL;
}

void reload_free(struct reload *reload)
{
    if (!reload)
        return;
    loop_unwatch(reload->setup.loop, &reload->bell);
    if (reload->bell.fd >= 0)
        close(reload->bell.fd);
    snapshot_release(reload->previous);
    snapshot_release(reload->snapshot);
    buffer_done(&reload->faults);
    reload_board_free(reload->board);
    free(reload);
}

void reload_begin(struct reload *reload, const struct reload_parts *parts)
{
    reload->parts = *parts;
    reload->snapshot = snapshot_hold(fetch_shared_first(parts->shared));
    reload->is_open = true;
    metrics_set(reload->setup.metrics, METRIC_CONFIG_GENERATION, 1);
    metrics_set(reload->setup.metrics, METRIC_CONFIG_LOADED, clock_wall_ms() / 1000);
    reload_changed(reload); /* for those who have asked already */
}

void reload_ask(struct reload *reload)
{
    reload->is_wanted = true;
    go_on(reload);
}

void reload_stop(struct reload *reload)
{
    reload->is_stopped = true;
}
