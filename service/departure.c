/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of the end, looked at every 10 ms: nothing here is worth an event of
 * its own. What happens to clients is the fronts'. Called by serve.c. */
#include "departure.h"

#include "base/list.h"
#include "base/log.h"

#include <stdatomic.h>

enum {
    POLL_MS = 10,
    LAST_REPLIES_MS = 2000, /* after drain_timeout: for the last replies to leave */
};

static bool all(const struct departure *departure, bool (*is_so)(const struct worker *))
{
    for (unsigned i = 0; i < departure->setup.worker_count; i++) {
        if (!is_so(departure->setup.workers[i]))
            return false;
    }
    return true;
}

/* Time is up, or nobody is left and, as others have the listeners, nobody can come. */
static bool must_drain(const struct departure *departure, uint64_t now)
{
    return !departure->is_draining &&
           (now >= departure->drain_ms ||
            (departure->must_end_alone && all(departure, worker_is_empty)));
}

static void drain(struct departure *departure)
{
    departure->is_draining = true;
    atomic_store(&departure->setup.state->is_draining, true);
    if (!departure->must_end_alone) /* else they are closed */
        listener_close(departure->setup.listener, FRONT_MAIN);
    for (unsigned i = 0; i < departure->setup.worker_count; i++)
        worker_drain(departure->setup.workers[i]);
}

static void end_batches(struct departure *departure)
{
    departure->has_ended_batches = true;
    log_message(LOG_WARNING, "drain_timeout", "ending the batches that still run");
    for (unsigned i = 0; i < departure->setup.worker_count; i++)
        worker_end_batches(departure->setup.workers[i]);
}

static void on_poll(struct timer *timer)
{
    struct departure *departure = container_of(timer, struct departure, poll);
    uint64_t now = departure->setup.loop->now_ms;
    if ((departure->is_draining && all(departure, worker_is_idle)) ||
        now > departure->end_ms + LAST_REPLIES_MS) {
        departure->is_over = true;
        return;
    }
    if (must_drain(departure, now))
        drain(departure);
    if (now >= departure->end_ms && !departure->has_ended_batches)
        end_batches(departure);
    loop_timer_set(departure->setup.loop, timer, now + POLL_MS);
}

void departure_init(struct departure *departure, const struct departure_setup *setup)
{
    *departure = (struct departure){.setup = *setup, .poll = {.on_due = on_poll}};
}

static void leave(struct departure *departure)
{
    for (unsigned i = 0; i < departure->setup.worker_count; i++)
        worker_leave(departure->setup.workers[i]);
}

static void log_departure(const struct departure *departure, enum departure_reason reason,
                          uint64_t delay_ms)
{
    if (reason == DEPARTURE_HANDED_OVER)
        log_message(LOG_INFO, "draining",
                    "another process has the listening sockets; seeing clients off");
    else if (departure->must_end_alone)
        log_message(
            LOG_INFO, "draining",
            "the service manager keeps the listening sockets; seeing clients off");
    else if (delay_ms > 0)
        log_message(LOG_INFO, "draining",
                    "not ready any more; serving on for server.drain_delay");
    else
        log_message(LOG_INFO, "draining",
                    "no new connections; finishing accepted batches");
}

void departure_start(struct departure *departure, enum departure_reason reason,
                     const struct config *config)
{
    const struct departure_setup *setup = &departure->setup;
    uint64_t now = setup->loop->now_ms;
    departure->is_begun = true;
    departure->must_end_alone = reason == DEPARTURE_HANDED_OVER ||
                                listener_is_borrowed(setup->listener, FRONT_MAIN);
    uint64_t delay_ms = departure->must_end_alone ? config->server.drain_timeout_ms
                                                  : config->server.drain_delay_ms;
    departure->drain_ms = now + delay_ms;
    departure->end_ms = departure->must_end_alone
                            ? departure->drain_ms
                            : departure->drain_ms + config->server.drain_timeout_ms;
    atomic_store(&setup->state->is_leaving, true); /* readiness fails first */
    log_departure(departure, reason, delay_ms);
    notify_stopping(setup->notify, departure->end_ms - now + 2 * LAST_REPLIES_MS,
                    "finishing accepted batches");
    if (departure->must_end_alone)
        listener_close(setup->listener, FRONT_MAIN);
    if (reason == DEPARTURE_HANDED_OVER)
        listener_close(setup->listener, FRONT_OPS); /* whose probes are the successor's */
    if (delay_ms > 0)
        leave(departure);
    else
        drain(departure);
    loop_timer_set(setup->loop, &departure->poll, now + POLL_MS);
}
