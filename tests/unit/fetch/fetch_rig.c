/* SPDX-License-Identifier: Apache-2.0 */
/* The rig of the fetcher's tests: one turn here is what worker.c does, without clients */
#include "fetch_rig.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OVERRIDES_MAX = 8, PATIENCE_MS = 10000 };

static struct config *load(bool is_guarded, const char *const *texts)
{
    struct config_override overrides[OVERRIDES_MAX];
    char paths[OVERRIDES_MAX][64];
    size_t count = 0;
    if (!is_guarded) {
        overrides[count++] = (struct config_override){.path = "egress.private_addresses",
                                                      .value = "allow"};
        overrides[count++] =
            (struct config_override){.path = "egress.ports", .value = "[\"1024-65535\"]"};
    }
    for (size_t i = 0; texts && texts[i]; i++, count++) {
        const char *equals = strchr(texts[i], '=');
        snprintf(paths[count], sizeof paths[count], "%.*s", (int)(equals - texts[i]),
                 texts[i]);
        overrides[count] =
            (struct config_override){.path = paths[count], .value = equals + 1};
    }
    struct buffer faults;
    buffer_init(&faults, 4096);
    struct config *config = config_load(NULL, overrides, count, &faults);
    cr_assert(config != NULL, "%s", buffer_text(&faults));
    buffer_done(&faults);
    return config;
}

static void on_pressure(void *context)
{
    ((struct rig *)context)->pressures++;
}

struct rig *rig_new(bool is_guarded, const char *const *overrides)
{
    struct error err = {0};
    struct rig *rig = calloc(1, sizeof *rig);
    tiny_server_start(&rig->server);
    rig->config = load(is_guarded, overrides);
    cr_assert(fetch_global_init(&err), "%s", err.text);
    cr_assert(loop_init(&rig->loop, &err), "%s", err.text);
    rig->shared = fetch_shared_new(rig->config, &err);
    cr_assert(rig->shared != NULL, "%s", err.text);
    rig->flow.terms = snapshot_everybody(fetch_shared_first(rig->shared));
    rig->flow.caller = rig->flow.terms->caller;
    rig->budgets.in_flight.max = rig->config->fetch.max_in_flight;
    rig->budgets.sockets.max = 1000;
    rig->budgets.reply_bytes.max = 64 << 20;
    rig->budgets.request_bytes.max = 64 << 20;
    rig->metrics = metrics_shard_new();
    const struct span_resource resource = {"rig", "0", "1"};
    if (*rig->config->tracing.otlp_endpoint)
        rig->tracer = tracer_new(&resource, 1 << 20, rig->metrics);
    struct fetcher_setup setup = {.loop = &rig->loop,
                                  .shared = rig->shared,
                                  .budgets = &rig->budgets,
                                  .metrics = rig->metrics,
                                  .tracer = rig->tracer,
                                  .on_socket_pressure = on_pressure,
                                  .context = rig};
    rig->fetcher = fetcher_new(&setup, &err);
    cr_assert(rig->fetcher != NULL, "%s", err.text);
    loop_touch(&rig->loop); /* reading the certificates took a while */
    return rig;
}

void rig_add_peer(struct rig *rig)
{
    struct error err = {0};
    struct rig_peer *peer = &rig->peer;
    cr_assert(loop_init(&peer->loop, &err), "%s", err.text);
    peer->metrics = metrics_shard_new();
    struct fetcher_setup setup = {.loop = &peer->loop,
                                  .shared = rig->shared,
                                  .budgets = &rig->budgets,
                                  .metrics = peer->metrics};
    peer->fetcher = fetcher_new(&setup, &err);
    cr_assert(peer->fetcher != NULL, "%s", err.text);
}

void rig_free_peer(struct rig *rig)
{
    struct rig_peer *peer = &rig->peer;
    if (!peer->fetcher)
        return;
    fetcher_free(peer->fetcher);
    peer->fetcher = NULL;
    cr_expect_eq(peer->loop.timer_count, 0, "timers left at the peer");
    metrics_shard_free(peer->metrics);
    loop_done(&peer->loop);
}

void rig_free(struct rig *rig)
{
    fetcher_free(rig->fetcher);
    rig_free_peer(rig);
    cr_expect_eq(budget_held(&rig->budgets.in_flight), 0, "places not given back");
    cr_expect_eq(budget_held(&rig->budgets.sockets), 0, "sockets not given back");
    cr_expect_eq(budget_held(&rig->budgets.reply_bytes), 0, "bytes not given back");
    cr_expect_eq(budget_held(&rig->budgets.request_bytes), 0, "bytes not given back");
    cr_expect_eq(rig->loop.timer_count, 0, "timers left");
    tiny_server_stop(&rig->server);
    fetch_shared_free(rig->shared);
    tracer_free(rig->tracer);
    metrics_shard_free(rig->metrics);
    loop_done(&rig->loop);
    config_free(rig->config);
    fetch_global_done();
    free(rig);
}

static void keep(struct rig_call *kept, const struct outcome *outcome)
{
    kept->times_done++;
    kept->code = outcome->code;
    kept->status = outcome->status;
    kept->body_len = outcome->body.len;
    kept->header_count = outcome->header_count;
    kept->timing = outcome->timing;
    kept->is_coalesced = outcome->is_coalesced;
    memcpy(kept->span_id, outcome->span_id, SPAN_ID_LEN);
    kept->timing.remote_address = NULL; /* valid only until on_done returns */
    snprintf(kept->message, sizeof kept->message, "%s",
             outcome->message ? outcome->message : "");
    size_t len = outcome->body.len < RIG_BODY - 1 ? outcome->body.len : RIG_BODY - 1;
    if (len > 0)
        memcpy(kept->body, outcome->body.data, len);
    kept->body[len] = '\0';
}

static void on_done(struct call *call, const struct outcome *outcome)
{
    struct rig_call *kept = container_of(call, struct rig_call, call);
    keep(kept, outcome);
    kept->rig->done++;
    if (kept->on_end)
        kept->on_end(kept);
}

struct rig_call *rig_call(struct rig *rig, const char *path)
{
    cr_assert_lt(rig->call_count, RIG_CALLS);
    struct rig_call *made = &rig->calls[rig->call_count++];
    if (path[0] == '/')
        snprintf(made->url, sizeof made->url, "http://127.0.0.1:%u%s", rig->server.port,
                 path);
    else
        snprintf(made->url, sizeof made->url, "%s", path);
    made->rig = rig;
    made->call = (struct call){
        .flow = &rig->flow,
        .url = slice_from(made->url),
        .method = METHOD_GET,
        .timeout_ms = 5000,
        .connect_timeout_ms = 2000,
        .body_max_bytes = 1 << 20,
        .deadline_ms = clock_now_ms() + 60000,
        .on_done = on_done,
    };
    return made;
}

struct rig_call *rig_start(struct rig *rig, const char *path)
{
    struct rig_call *made = rig_call(rig, path);
    fetcher_start(rig->fetcher, &made->call);
    return made;
}

static void turn_peer(struct rig_peer *peer)
{
    loop_wait(&peer->loop, 0);
    loop_run_due(&peer->loop);
    fetcher_turn(peer->fetcher);
}

static void turn(struct rig *rig, uint64_t until_ms)
{
    uint64_t now_ms = clock_now_ms();
    int limit_ms = until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
    if (rig->peer.fetcher) {
        turn_peer(&rig->peer);
        limit_ms = limit_ms > 0 ? 1 : 0; /* it may have something to do soon */
    }
    loop_wait(&rig->loop, fetcher_has_work(rig->fetcher) ? 0 : limit_ms);
    loop_run_due(&rig->loop);
    fetcher_turn(rig->fetcher);
}

void rig_run(struct rig *rig, int done)
{
    uint64_t until_ms = clock_now_ms() + PATIENCE_MS;
    while (rig->done < done) {
        cr_assert_lt(clock_now_ms(), until_ms, "%d of %d calls done", rig->done, done);
        turn(rig, until_ms);
    }
}

void rig_run_ms(struct rig *rig, unsigned ms)
{
    uint64_t until_ms = clock_now_ms() + ms;
    while (clock_now_ms() < until_ms)
        turn(rig, until_ms);
}

struct rig_call *rig_fetch(struct rig *rig, const char *path)
{
    struct rig_call *made = rig_start(rig, path);
    rig_run(rig, rig->done + 1);
    return made;
}
