/* SPDX-License-Identifier: Apache-2.0 */
/* A fetcher on a loop of its own beside a tiny server, and calls whose outcomes are kept:
 * for the tests of the fetcher. A second one, the peer, may stand for another worker; its
 * turns come in the same thread. */
#pragma once

#include "fetch/fetcher.h"
#include "support/tiny_server.h"

#include <stdbool.h>

enum { RIG_CALLS = 512, RIG_BODY = 4096 };

struct rig_call {
    struct call call;
    struct rig *rig;
    char url[512];
    int times_done;
    enum call_code code;
    int status;
    char message[128];
    char body[RIG_BODY]; /* NUL-terminated, cut */
    size_t body_len;
    size_t header_count;
    struct call_timing timing;
    bool is_coalesced;
    char span_id[SPAN_ID_LEN + 1];         /* or "" */
    void (*on_end)(struct rig_call *call); /* inside on_done; may be NULL */
};

struct rig_peer {
    struct loop loop;
    struct metrics_shard *metrics;
    struct fetcher *fetcher; /* NULL: there is none */
};

struct rig {
    struct tiny_server server;
    struct loop loop;
    struct config *config;
    struct fetch_shared *shared;
    struct flow flow; /* of all calls */
    struct budgets budgets;
    struct metrics_shard *metrics;
    struct tracer *tracer; /* with tracing.otlp_endpoint, else NULL */
    struct fetcher *fetcher;
    struct rig_peer peer;
    int pressures;
    struct rig_call calls[RIG_CALLS];
    int call_count;
    int done;
};

/* rig_new with "path=value" overrides, NULL-terminated; private addresses and all ports
 * are allowed unless `is_guarded`. */
struct rig *rig_new(bool is_guarded, const char *const *overrides);
void rig_free(struct rig *rig);
/* rig_add_peer: once. rig_free frees it after the fetcher, unless rig_free_peer has. */
void rig_add_peer(struct rig *rig);
void rig_free_peer(struct rig *rig);

/* rig_call makes a GET of `path` on the server, or of a whole URL; rig_start starts it */
struct rig_call *rig_call(struct rig *rig, const char *path);
struct rig_call *rig_start(struct rig *rig, const char *path);
/* rig_run turns until `done` calls have ended, failing after 10 s; rig_run_ms for a time.
 */
void rig_run(struct rig *rig, int done);
void rig_run_ms(struct rig *rig, unsigned ms);
/* rig_fetch: start, run, return. */
struct rig_call *rig_fetch(struct rig *rig, const char *path);
