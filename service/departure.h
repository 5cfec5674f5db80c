/* SPDX-License-Identifier: Apache-2.0 */
/* How the process ends without losing a request: from SIGTERM, or from the moment another
 * process has its listening sockets, to the last reply.
 *
 *   leave: not ready; clients are seen off one by one, none is told no (front_leave)
 *   drain: what was accepted is finished, new batches get 503 (front_drain), spans leave
 *
 *   SIGTERM: listeners stay open and clients are seen off for server.drain_delay
 *       (nothing, if that is 0), then drain
 *   SIGTERM while a manager holds server.listen's sockets (fd:), or another process has
 *       taken them: listeners are left to it, clients are seen off until none is left, at
 *       server.drain_timeout their batches are ended */
#pragma once

#include "base/loop.h"
#include "config/config.h"
#include "listener.h"
#include "notify.h"
#include "worker.h"

#include <stdbool.h>
#include <stdint.h>

enum departure_reason {
    DEPARTURE_STOP,        /* a signal */
    DEPARTURE_HANDED_OVER, /* another process serves */
};

struct departure_setup {
    struct loop *loop;
    struct process_state *state;
    struct listener *listener;
    struct worker **workers;
    unsigned worker_count;
    const struct notify *notify;
};

struct departure {
    struct departure_setup setup;
    struct timer poll;
    bool is_begun;
    bool is_over;        /* the process may end */
    bool is_asked;       /* to end, by a signal */
    bool must_end_alone; /* once every client is gone */
    bool is_draining;
    bool has_ended_batches;
    uint64_t drain_ms; /* loop clock: when to drain */
    uint64_t end_ms;   /* and when to end batches */
};

/* departure_init prepares; nothing happens before departure_start, once; main's thread.
 * `config`: with it the clocks are set; not kept. */
void departure_init(struct departure *departure, const struct departure_setup *setup);
void departure_start(struct departure *departure, enum departure_reason reason,
                     const struct config *config);
