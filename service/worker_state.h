/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's inside, for worker*.c only, and what these do for each other. */
#pragma once

#include "base/loop.h"
#include "base/peak.h"
#include "doors.h"
#include "worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct adoption; /* a socket that was handed over */

struct worker {
    struct worker_setup setup; /* read-only */

    /* The worker thread's own. */
    struct loop loop;
    struct tracer *tracer; /* NULL: no trace is recorded */
    struct fetcher *fetcher;
    struct background_port *background_port;
    struct admission admission;
    struct peak lag; /* its turns, in microseconds */
    struct live_desk *live_desk;
    struct reload_desk *reload_desk;
    struct doors doors;
    struct snapshot *snapshot; /* held */
    struct watch mail_watch;
    pthread_t thread;
    bool is_started;

    /* Shared: the mailbox and what others may read. */
    struct {
        int event_fd;
        pthread_mutex_t lock;
        struct adoption *adoptions;    /* under lock; newest first */
        struct snapshot *_Atomic next; /* to change to; NULL: has changed */
        atomic_bool has_new_door;
        atomic_bool must_leave;
        atomic_bool must_drain;
        atomic_bool must_end_batches;
        atomic_bool must_trim;
        atomic_bool must_stop;
        atomic_bool is_empty; /* said by the turn that saw must_leave, or a later one */
        atomic_bool is_idle;  /* and must_drain */
        atomic_uint open_count;
    } shared;
};

/* Of worker_mail.c. worker_mail_open makes the mailbox; worker_mail_close drops what was
 * never adopted, also after a worker_mail_open that failed. worker_mail_read does what
 * the mail says, once a turn. worker_mail_ring ends the wait of a turn; any thread. */
bool worker_mail_open(struct worker *worker, struct error *err) MUST_CHECK;
void worker_mail_close(struct worker *worker);
void worker_mail_read(struct worker *worker);
void worker_mail_ring(struct worker *worker);
