/* SPDX-License-Identifier: Apache-2.0 */
/* Where the listening sockets come from and go to: a running gatherd's (successor.h), a
 * service manager's (socket_offers.h), else new ones; later the next gatherd's
 * (predecessor.h). main's thread. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "config/config.h"
#include "predecessor.h"
#include "listener.h"
#include "successor.h"

#include <stdbool.h>

struct listening {
    struct listener *listener;
    struct successor successor;
    int handover_fd; /* for the next process; -1: none, or the predecessor's */
    struct predecessor *predecessor;
};

/* listening_init: nothing is open yet; `listener` stays the caller's. */
void listening_init(struct listening *listening, struct listener *listener);
/* listening_open opens every address of the configuration, and server.handover; before
 * the sandbox. */
bool listening_open(struct listening *listening, const struct config *config,
                    struct error *err) MUST_CHECK;

struct listening_setup {
    struct loop *loop;
    const struct config *config;
    void (*on_taken)(void *context); /* as struct predecessor_setup has it */
    void *context;
};
/* listening_start begins to accept, after another process was told to stop that: called
 * last in a start, when nothing else can fail. */
bool listening_start(struct listening *listening, const struct listening_setup *setup,
                     struct error *err) MUST_CHECK;
/* listening_end gives up what there is for other processes; the listener is untouched. */
void listening_end(struct listening *listening);
