/* SPDX-License-Identifier: Apache-2.0 */
/* The fronts of one worker: one for each role, and those that a reload has replaced,
 * which see their clients off. The worker's thread, between start and end. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/list.h"
#include "fetch/snapshot.h"
#include "http/front.h"

#include <stdbool.h>

enum { FRONT_ROLES = 2 };

struct doors {
    struct front_setup setup; /* but for the role; its snapshot is the current one */
    struct front *fronts[FRONT_ROLES];
    struct list old; /* struct old_front */
    bool is_leaving;
    bool is_draining;
    bool is_outdated; /* of what a front keeps for its life, since a change that failed */
};

/* doors_open makes the fronts. `setup` is copied, its role not looked at. doors_close
 * ends them all; also after a doors_open that failed, and of zeroed memory. */
bool doors_open(struct doors *doors, const struct front_setup *setup,
                struct error *err) MUST_CHECK;
void doors_close(struct doors *doors);

/* doors_change: every front comes under `snapshot`; `is_new`: there are new fronts, and
 * those there were are left (front_leave). False: there was no memory or no descriptor
 * for all of the new ones, so TLS and server.head_max_bytes stay as they were, and the
 * next change tries again. */
bool doors_change(struct doors *doors, struct snapshot *snapshot, bool is_new,
                  struct error *err) MUST_CHECK;

/* As front_*, of all of them. */
void doors_adopt(struct doors *doors, const struct front_arrival *arrival);
void doors_turn(struct doors *doors);
int doors_wait_ms(struct doors *doors);
void doors_leave(struct doors *doors);
/* doors_drain: of FRONT_MAIN; health, readiness and metrics go on being answered. */
void doors_drain(struct doors *doors);
void doors_end_batches(struct doors *doors);
/* doors_have_clients: after doors_leave. doors_is_idle: after doors_drain, as
 * front_is_idle. */
bool doors_have_clients(const struct doors *doors);
bool doors_is_idle(const struct doors *doors);
