/* SPDX-License-Identifier: Apache-2.0 */
/* The listeners of another configuration, all or none:
 *
 *   ready: those that come are open, nothing else has happened yet
 *   close: those that went have their backlogs taken and are closed; only now may a batch
 *          reach their addresses, so it comes before anybody serves by the new one
 *   start: those that came accept; one that changed between server.listen and ops.listen
 *          is the same socket all the time, and what waits there waits on
 *
 * Called by reload.c; main's thread. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "config/config.h"
#include "fetch/snapshot.h"
#include "listener.h"

#include <stdbool.h>

struct relisten {
    struct listener *listener;
    const struct config *before;
    const struct config *after;
    bool is_sandboxed; /* then none can be opened */
};

/* relisten_ready opens, and adds what is left and what came to what nobody may reach
 * under `next`, where `current` is in use. False: nothing was changed. */
bool relisten_ready(const struct relisten *relisten, struct snapshot *next,
                    const struct snapshot *current, struct error *err) MUST_CHECK;
void relisten_close(const struct relisten *relisten);
bool relisten_start(const struct relisten *relisten, struct error *err) MUST_CHECK;
