/* SPDX-License-Identifier: Apache-2.0 */
/* The states of an exporter:
 *
 *     IDLE ──a pack is full, or a second old──► LOOKING_UP ──address──► SENDING
 *      ▲                                         ▲   │ none               │  │
 *      │                          time is over   │   ▼                    │  │
 *      │                                       WAITING ◄──to be tried again  │
 *      └────────────────────────taken, or lost───────────────────────────────┘
 *
 * The name is looked up for each request, as a rule in the cache: a collector that moves
 * is found again. Called by fetcher.c. */
#include "fetch/span_export.h"

#include "base/json_find.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "base/random.h"
#include "fetch/export_verdict.h"
#include "fetch/pin.h"
#include "fetch/span_export_wire.h"
#include "fetch/url.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLUSH_MS = 1000, /* how old the spans of a pack that is not full may get */
    URL_SIZE = 1100,
};

enum export_state { EXPORT_IDLE, EXPORT_LOOKING_UP, EXPORT_SENDING, EXPORT_WAITING };

struct span_export {
    struct span_export_setup setup;
    struct export_wire *wire;
    struct target target;
    enum export_state state;
    struct span_pack *pack; /* in all states but IDLE */
    struct timer timer;     /* IDLE: for the open pack; WAITING: until the next try */
    struct timer limit;     /* of a flush */
    struct resolver_question question;
    uint64_t open_ms; /* when the open pack got its first span */
    unsigned failures;
    bool is_flushing;
    bool is_over; /* the flush has ended: whatever comes is lost */
};

static void go_on(struct span_export *export);

/* ----------------------------------------------------------------------- outcomes */

static void lose(struct span_export *export, enum span_loss why)
{
    tracer_count_lost(export->setup.tracer, why, export->pack->count);
}

static void drop_pack(struct span_export *export)
{
    span_queue_drop(tracer_queue(export->setup.tracer), export->pack);
    export->pack = NULL;
    export->state = EXPORT_IDLE;
}

static void wait_for(struct span_export *export, uint64_t ms)
{
    struct loop *loop = export->setup.loop;
    loop_timer_set(loop, &export->timer, loop->now_ms + ms);
}

/* OTLP: a 200 may say {"partialSuccess": {"rejectedSpans": "3"}}. */
static size_t rejected_of(struct slice body, size_t count)
{
    static const struct json_step path[] = {
        {.name = {"partialSuccess", 14}, .index = SIZE_MAX},
        {.name = {"rejectedSpans", 13}, .index = SIZE_MAX},
    };
    struct slice value;
    size_t number = 0;
    if (!json_text_is_valid(body) || !json_find(body, path, 2, &value))
        return 0;
    for (size_t i = 0; i < value.len && number <= count; i++) {
        if (value.data[i] >= '0' && value.data[i] <= '9')
            number = number * 10 + (size_t)(value.data[i] - '0');
    }
    return number < count ? number : count;
}

static void note_taken(struct span_export *export, struct slice body)
{
    size_t count = export->pack->count;
    size_t rejected = rejected_of(body, count);
    export->failures = 0;
    metrics_add(export->setup.metrics, METRIC_SPANS_EXPORTED, 0, count - rejected);
    if (rejected > 0)
        tracer_count_lost(export->setup.tracer, SPANS_LOST_REJECTED, rejected);
    drop_pack(export);
}

/* A rejected pack says nothing against the next one; of a collector that cannot be
 * reached that is not so. */
static void note_failed(struct span_export *export, const struct export_verdict *verdict)
{
    if (verdict->action == EXPORT_REJECTED) {
        export->failures = 0;
        lose(export, SPANS_LOST_REJECTED);
        drop_pack(export);
        return;
    }
    if (export->is_flushing) {
        lose(export, SPANS_LOST_SHUTDOWN);
        drop_pack(export);
        return;
    }
    if (verdict->action == EXPORT_GIVEN_UP) {
        lose(export, SPANS_LOST_UNAVAILABLE);
        drop_pack(export);
    }
    export->state = EXPORT_WAITING;
    wait_for(export, verdict->wait_ms);
}

static void judge(struct span_export *export, const struct export_reply *reply)
{
    export->failures++;
    const struct export_facts facts = {
        .status = reply->status,
        .has_wait = reply->wait_s > 0,
        .asked_wait_ms = (uint64_t)reply->wait_s * 1000,
        .tries = export->pack->tries,
        .failures = export->failures,
    };
    struct export_verdict verdict = export_judge(&facts, random_u64());
    if (verdict.action == EXPORT_TAKEN)
        note_taken(export, reply->body);
    else
        note_failed(export, &verdict);
    if (export->state == EXPORT_IDLE)
        go_on(export);
}

static void on_reply(void *context, const struct export_reply *reply)
{
    judge(context, reply);
}

/* ------------------------------------------------------------------------- sending */

static void fail(struct span_export *export)
{
    const struct export_reply none = {.status = 0};
    judge(export, &none);
}

static void send_to(struct span_export *export, const struct sockaddr *address)
{
    char pin[PIN_SIZE];
    pin_write(address, export->target.port, pin, sizeof pin);
    export->state = EXPORT_SENDING;
    export->pack->tries++;
    if (!export_wire_send(export->wire, pin, buffer_slice(&export->pack->text)))
        fail(export);
}

/* After a failure the next of its addresses. */
static void take_answer(struct span_export *export, const struct resolver_answer *answer)
{
    if (answer->count == 0) {
        export->pack->tries++;
        fail(export);
        return;
    }
    const struct sockaddr_storage *address =
        &answer->addresses[export->failures % answer->count];
    send_to(export, (const struct sockaddr *)address);
}

static void on_answer(struct resolver_question *question,
                      const struct resolver_answer *answer)
{
    take_answer(container_of(question, struct span_export, question), answer);
}

static void look_up(struct span_export *export)
{
    struct resolver *resolver = export->setup.resolver;
    const struct target *target = &export->target;
    if (target->is_literal) {
        send_to(export, (const struct sockaddr *)&target->address);
        return;
    }
    const struct resolver_answer *answer = resolver_cached(resolver, target->host);
    if (answer) {
        take_answer(export, answer);
        return;
    }
    export->state = EXPORT_LOOKING_UP;
    export->question.on_answer = on_answer;
    resolver_ask(resolver, target->host, &export->question);
}

/* Idle: the next pack, if it is time for it. */
static void go_on(struct span_export *export)
{
    struct span_queue *queue = tracer_queue(export->setup.tracer);
    uint64_t due_ms = export->open_ms + FLUSH_MS;
    bool is_due = export->is_flushing || export->setup.loop->now_ms >= due_ms;
    assert(export->state == EXPORT_IDLE && !export->pack);
    export->pack = span_queue_take(queue, is_due);
    if (export->pack)
        look_up(export);
    else if (!span_queue_is_empty(queue) && !export->is_over)
        loop_timer_set(export->setup.loop, &export->timer, due_ms);
}

static void on_due(struct timer *timer)
{
    struct span_export *export = container_of(timer, struct span_export, timer);
    if (export->state == EXPORT_WAITING && export->pack) {
        look_up(export);
        return;
    }
    export->state = EXPORT_IDLE;
    go_on(export);
}

static void on_spans(void *context, bool is_full)
{
    struct span_export *export = context;
    uint64_t now_ms = export->setup.loop->now_ms;
    if (!is_full)
        export->open_ms = now_ms;
    if (export->state != EXPORT_IDLE || export->is_over)
        return;
    uint64_t due_ms = is_full || export->is_flushing ? now_ms : now_ms + FLUSH_MS;
    if (!timer_is_set(&export->timer) || due_ms < export->timer.at_ms)
        loop_timer_set(export->setup.loop, &export->timer, due_ms);
}

/* --------------------------------------------------------------------------- the end */

static void stop(struct span_export *export)
{
    resolver_cancel(export->setup.resolver, &export->question);
    export_wire_cancel(export->wire);
    loop_timer_clear(export->setup.loop, &export->timer);
    loop_timer_clear(export->setup.loop, &export->limit);
}

static void lose_all(struct span_export *export)
{
    struct span_queue *queue = tracer_queue(export->setup.tracer);
    stop(export);
    do {
        if (!export->pack)
            continue;
        lose(export, SPANS_LOST_SHUTDOWN);
        drop_pack(export);
    } while ((export->pack = span_queue_take(queue, true)) != NULL);
    export->state = EXPORT_IDLE;
}

static void on_limit(struct timer *timer)
{
    struct span_export *export = container_of(timer, struct span_export, limit);
    export->is_over = true;
    lose_all(export);
}

void span_export_flush(struct span_export *export, uint64_t limit_ms)
{
    struct loop *loop = export->setup.loop;
    if (export->is_flushing)
        return;
    export->is_flushing = true;
    loop_timer_set(loop, &export->limit, loop->now_ms + limit_ms);
    if (export->state == EXPORT_IDLE || export->state == EXPORT_WAITING)
        loop_timer_set(loop, &export->timer, loop->now_ms);
}

bool span_export_is_flushed(const struct span_export *export)
{
    return export->is_over || (export->is_flushing && export->state == EXPORT_IDLE &&
                               span_queue_is_empty(tracer_queue(export->setup.tracer)));
}

/* ------------------------------------------------------------------------- lifecycle */

/* The path of a signal is added to a bare endpoint (OTLP exporter configuration,
 * OTEL_EXPORTER_OTLP_ENDPOINT). */
static void write_url(const char *endpoint, char url[URL_SIZE])
{
    const char *path = strchr(strstr(endpoint, "://") + 3, '/');
    bool is_bare = !path || strcmp(path, "/") == 0;
    size_t len = path && is_bare ? (size_t)(path - endpoint) : strlen(endpoint);
    snprintf(url, URL_SIZE, "%.*s%s", (int)len, endpoint, is_bare ? "/v1/traces" : "");
}

struct span_export *span_export_new(const struct span_export_setup *setup,
                                    struct error *err)
{
    struct span_export *export = memory_new(sizeof *export);
    char url[URL_SIZE];
    const char *reason = NULL;
    export->setup = *setup;
    export->timer.on_due = on_due;
    export->limit.on_due = on_limit;
    write_url(setup->config->tracing.otlp_endpoint, url);
    if (!url_parse(slice_from(url), &export->target, &reason)) {
        error_set(err, ERROR_INVALID, "tracing.otlp_endpoint: %s", reason);
        span_export_free(export);
        return NULL;
    }
    const struct export_wire_setup wire = {
        .loop = setup->loop,
        .url = url,
        .headers = &setup->config->tracing.headers,
        .tls_store = setup->tls_store,
        .on_reply = on_reply,
        .context = export,
    };
    export->wire = export_wire_new(&wire, err);
    if (!export->wire) {
        span_export_free(export);
        return NULL;
    }
    tracer_on_spans(setup->tracer, on_spans, export);
    return export;
}

void span_export_adopt(struct span_export *export, const struct tls_store *tls_store)
{
    export_wire_adopt(export->wire, tls_store);
}

void span_export_free(struct span_export *export)
{
    if (!export)
        return;
    tracer_on_spans(export->setup.tracer, NULL, NULL);
    if (export->wire)
        lose_all(export);
    export_wire_free(export->wire);
    free(export);
}
