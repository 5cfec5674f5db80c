/* SPDX-License-Identifier: Apache-2.0 */
/* Whether one more batch may come in, by how long work has to wait here. Pure; one per
 * worker.
 *
 * The delay is the time the scheduler takes to come round to everyone (schedule.h);
 * waiting for a slow origin or for a caller's own limit is not in it. A burst makes it
 * grow for a moment and does no harm; a delay that stands means more work than capacity,
 * and taking more would only make all of it late. That is the thought of CoDel (RFC
 * 8289), whose interval of 100 ms is used here; but what is too much is refused at the
 * door instead of dropped inside:
 *
 *     calm ──── delay at or over `target` for INTERVAL on end ────► shedding
 *      ▲                                                               │
 *      └────────────── delay under `target` for INTERVAL on end ───────┘
 *
 * While shedding a batch is taken when the delay is under the target right now, so the
 * queue never runs empty. And at any time one is taken only if it can be sent within half
 * its deadline: it needs as many rounds as it has items, and what comes after it, and the
 * upstreams, need time too. Without that all batches in a full house share it until all
 * are late (measured: half the goodput was lost at twice the load). */
#pragma once

#include "fetch/schedule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADMISSION_INTERVAL_US = 100 * 1000 };

struct admission {
    uint64_t target_us; /* 0: every batch is taken */
    uint64_t round_us;  /* as last told */
    uint64_t since_us;  /* since when the delay is on its side of the target */
    bool is_over;       /* that side */
    bool is_shedding;
};

void admission_init(struct admission *admission, uint64_t target_us);

/* admission_note tells the delay at `now_us`; once a turn. */
void admission_note(struct admission *admission, uint64_t now_us,
                    struct schedule_delay delay);

/* admission_is_open: may a batch come in, of which nothing is known yet? */
bool admission_is_open(const struct admission *admission);
/* admission_is_in_time: may one of `items` that must be done within `deadline_us`? */
bool admission_is_in_time(const struct admission *admission, size_t items,
                          uint64_t deadline_us);
