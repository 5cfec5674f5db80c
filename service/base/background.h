/* SPDX-License-Identifier: Apache-2.0 */
/* One thread for work that would keep a loop from its sockets for too long: a document of
 * 10,000 items takes some ten milliseconds to read, and as long to free. Jobs are done in
 * the order they came; each comes back to the loop that gave it.
 *
 *     loop ──background_give──► queue ──► run(job), on the thread
 *      ▲                                      │
 *      └──── done(job), from the port's watch ◄┘
 *
 * A job is embedded in its owner, who keeps it alive until done was called, or, without
 * done, until run has ended: run may free it. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/list.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct background;
struct background_port;

struct background_job {
    void (*run)(struct background_job *job);  /* on the thread */
    void (*done)(struct background_job *job); /* on the port's loop; NULL: nobody asks */
    struct background_port *port;             /* where `done` is wanted */
    struct list node;                         /* background.c's own */
};

/* background_start starts the thread; jobs may be given before. background_free lets it
 * do what is still queued and ends it; call it after the last port is gone. NULL is fine.
 */
struct background *background_new(void);
bool background_start(struct background *background, struct error *err) MUST_CHECK;
void background_free(struct background *background);

/* A port is one loop's way back. background_port_free waits until none of its jobs is
 * under way and calls `done` for them all; the port's own thread. */
struct background_port *background_port_new(struct background *background,
                                            struct loop *loop,
                                            struct error *err) MUST_CHECK;
void background_port_free(struct background_port *port);

/* background_give queues `job`. Any thread; with `done`, the port's. */
void background_give(struct background *background, struct background_job *job);
