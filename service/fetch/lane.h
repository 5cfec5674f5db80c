/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: many small CURLMs in place of one large one. libcurl does work in proportion to
 * a CURLM's connections for each transfer, so 10,000 transfers cost ten times as much in
 * one as in lanes of LANE_CAPACITY. libcurl finds an idle connection only in its own
 * lane, so a transfer goes where one is; else to its origin's home lane, and when that is
 * full to the lowest lane with room. One struct lanes per worker; its thread only. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/loop.h"
#include "fetch/budget.h"
#include "metrics/metrics.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Transfers running in one lane. Between 32 and 256 nothing differs at a few hundred
     * transfers; at 10,000 smaller lanes are cheaper in libcurl and cost more descriptors
     * and memory of their own. */
    LANE_CAPACITY = 64,
    /* Connections a lane keeps: some for each of the origins that are at home there. */
    LANE_CONNECTIONS = 256,
    LANE_ORIGINS = 32, /* origins that share a home */
    LANE_HOMES = 64,
};

struct lane;
struct lanes;
struct taints;
struct transfer;

struct lanes_setup {
    struct loop *loop;
    struct budgets *budgets;
    struct metrics_shard *metrics;
    uint64_t keep_alive_ms; /* a lane unused for so long is closed */
    bool multiplexes;       /* HTTP/2 */
    struct taints *taints;
};

struct lanes *lanes_new(const struct lanes_setup *setup);
/* lanes_free closes every connection; no transfer may be in a lane. */
void lanes_free(struct lanes *lanes);

/* lanes_add puts `transfer` into a lane: one with an idle connection to its origin, else
 * the home of its origin if that has room; it starts in the next lanes_run. False when
 * libcurl has no memory: then it is in none. */
bool lanes_add(struct lanes *lanes, struct transfer *transfer) MUST_CHECK;
/* lanes_remove takes it out, done or not; when it is under way its connection is closed,
 * or its stream reset in the next lanes_run. */
void lanes_remove(struct lanes *lanes, struct transfer *transfer);

/* lanes_run lets libcurl send resets, start what was added and see its due timers. */
void lanes_run(struct lanes *lanes);
/* lanes_next_done returns a transfer that has ended, taken out of its lane; NULL: no
 * more. */
struct transfer *lanes_next_done(struct lanes *lanes, CURLcode *ret_result);

/* lanes_trim begins to close lanes in which nothing runs, connections and all;
 * lanes_sweep closes a few of those that must go. Returns how many. */
void lanes_trim(struct lanes *lanes);
size_t lanes_sweep(struct lanes *lanes);

/* lanes_has_work: lanes_run or lanes_sweep has something to do right now. */
bool lanes_has_work(const struct lanes *lanes);
bool lanes_has_idle(const struct lanes *lanes);

/* For the transfer's options. */
struct lane_sockets *lanes_sockets(struct lanes *lanes);
