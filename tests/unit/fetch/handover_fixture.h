/* SPDX-License-Identifier: Apache-2.0 */
/* Two fetchers, one of them with a long queue. Their turns come in one thread, so that
 * what is between two turns can be looked at; tests/run.sh tsan and
 * tests/e2e/test_all_cores.py have real workers. Included by one test file per program.
 */
#pragma once

#include "fetch_rig.h"

#include "base/clock.h"
#include "base/memory.h"
#include "fetch/fetcher_state.h"
#include "fetch/handover_state.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 300, FEW = 100 };

static struct rig *rig;

static inline void make_rig(const char *const *overrides)
{
    rig = rig_new(false, overrides);
    rig_add_peer(rig);
}

static inline void setup(void)
{
    static const char *const overrides[] = {"fetch.per_origin=100",
                                            "server.share_batches=always", NULL};
    make_rig(overrides); /* the tiny server has 512 connections */
}

static inline void teardown(void)
{
    rig_free(rig);
}

static inline void remake_rig(const char *const *overrides)
{
    rig_free(rig);
    make_rig(overrides);
}

static inline const char *code_name(unsigned code)
{
    return call_code_row((enum call_code)code)->name;
}

/* The sum of a metric's values in a shard. */
static inline double count_of(struct metrics_shard *shard, const char *metric)
{
    struct buffer page;
    double sum = 0;
    char name[80];
    snprintf(name, sizeof name, "\ngatherd_%s", metric);
    buffer_init(&page, 1 << 20);
    metrics_write(&page, &shard, 1, code_name);
    const char *at = buffer_text(&page);
    while ((at = strstr(at, name)) != NULL) {
        at++;
        if (at[strlen(name) - 1] == ' ' || at[strlen(name) - 1] == '{')
            sum += atof(strchr(at, ' '));
    }
    buffer_done(&page);
    return sum;
}

/* Requests that were sent. */
static inline double runs(struct metrics_shard *shard)
{
    return count_of(shard, "upstream_connections_opened_total") +
           count_of(shard, "upstream_connections_reused_total");
}

static inline double handed_over(void)
{
    return count_of(rig->metrics, "items_handed_over_total");
}

static inline void start_many(const char *path, int count)
{
    for (int i = 0; i < count; i++)
        rig_start(rig, path);
}

static inline int away(void)
{
    int count = 0;
    for (int i = 0; i < rig->call_count; i++)
        count += rig->calls[i].call.away != NULL;
    return count;
}

static inline void expect_all_ok(int count)
{
    for (int i = 0; i < count; i++) {
        cr_assert_eq(rig->calls[i].code, CALL_OK, "call %d: %s", i,
                     rig->calls[i].message);
        cr_assert_eq(rig->calls[i].times_done, 1, "call %d", i);
        cr_assert_eq(rig->calls[i].call.phase, PHASE_IDLE);
    }
}

static inline struct handover *peers(void)
{
    return rig->peer.fetcher->handover;
}
