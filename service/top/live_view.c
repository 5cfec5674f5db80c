/* SPDX-License-Identifier: Apache-2.0 */
/* Reading with jansson; numbers may be integers or not. Called by top.c with what came.
 */
#include "top/live_view.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static double real(const json_t *from, const char *name)
{
    const json_t *member = json_object_get(from, name);
    double value = json_is_number(member) ? json_number_value(member) : 0;
    return isfinite(value) && value > 0 ? value : 0;
}

static uint64_t number(const json_t *from, const char *name)
{
    double value = real(from, name);
    return value < 9e15 ? (uint64_t)value : 0; /* what a double holds exactly */
}

static void copy_text(char *to, size_t size, const json_t *from, const char *name)
{
    const char *text = json_string_value(json_object_get(from, name));
    snprintf(to, size, "%s", text ? text : "");
}

static void read_codes(struct live_view *view, json_t *codes)
{
    const char *name;
    json_t *value;
    json_object_foreach(codes, name, value)
    {
        if (view->code_count == LIVE_VIEW_CODES)
            return;
        struct live_code *code = &view->codes[view->code_count++];
        snprintf(code->name, sizeof code->name, "%s", name);
        code->count = number(codes, name);
    }
}

static void read_histogram(struct live_histogram *histogram, const json_t *buckets)
{
    size_t count = json_array_size(buckets);
    for (size_t i = 0; i < count && i < LIVE_VIEW_BUCKETS; i++) {
        const json_t *bucket = json_array_get(buckets, i);
        const json_t *bound = json_array_get(bucket, 0);
        json_int_t in_it = json_integer_value(json_array_get(bucket, 1));
        histogram->bounds_ms[i] = json_is_number(bound) ? json_number_value(bound) : -1;
        histogram->counts[i] = in_it > 0 ? (uint64_t)in_it : 0;
        histogram->count = i + 1;
    }
}

static void read_workers(struct live_view *view, const json_t *workers)
{
    size_t count = json_array_size(workers);
    for (size_t i = 0; i < count && i < LIVE_VIEW_WORKERS; i++) {
        const json_t *from = json_array_get(workers, i);
        view->workers[i] = (struct live_worker){
            .in_flight = number(from, "inFlight"),
            .queued = number(from, "queued"),
            .busy_ms = number(from, "busyMs"),
            .clients = number(from, "clients"),
            .origins = number(from, "origins"),
            .loop_lag_ms = real(from, "loopLagMs"),
            .is_missing = json_is_true(json_object_get(from, "missing")),
        };
        view->worker_count = i + 1;
    }
}

static void read_origins(struct live_view *view, const json_t *origins)
{
    size_t count = json_array_size(origins);
    for (size_t i = 0; i < count && i < LIVE_VIEW_ORIGINS; i++) {
        const json_t *from = json_array_get(origins, i);
        struct live_origin *origin = &view->origins[i];
        copy_text(origin->name, sizeof origin->name, from, "origin");
        copy_text(origin->circuit, sizeof origin->circuit, from, "circuit");
        origin->in_flight = number(from, "inFlight");
        origin->waiting = number(from, "waiting");
        origin->total = number(from, "total");
        origin->failed = number(from, "failed");
        origin->cancelled = number(from, "cancelled");
        origin->mean_ms = real(from, "meanMs");
        view->origin_count = i + 1;
    }
}

static void read_all(struct live_view *view, const json_t *from)
{
    const json_t *batches = json_object_get(from, "batches");
    json_t *items = json_object_get(from, "items");
    const json_t *latency = json_object_get(from, "latencyMs");
    const json_t *connections = json_object_get(from, "connections");
    const json_t *memory = json_object_get(from, "memory");
    const json_t *process = json_object_get(from, "process");
    const json_t *circuits = json_object_get(from, "circuits");
    copy_text(view->version, sizeof view->version, from, "version");
    copy_text(view->state, sizeof view->state, from, "state");
    view->started_at_ms = number(from, "startedAtMs");
    view->uptime_ms = number(from, "uptimeMs");
    view->generation = number(json_object_get(from, "configuration"), "generation");
    view->batches.in_flight = number(batches, "inFlight");
    view->batches.total = number(batches, "total");
    view->batches.complete = number(batches, "complete");
    view->batches.partial = number(batches, "partial");
    view->batches.gone = number(batches, "gone");
    view->batches.refused = number(batches, "refused");
    view->items.in_flight = number(items, "inFlight");
    view->items.queued = number(items, "queued");
    view->items.total = number(items, "total");
    read_codes(view, json_object_get(items, "byCode"));
    read_histogram(&view->batch_ms, json_object_get(latency, "batch"));
    read_histogram(&view->item_ms, json_object_get(latency, "item"));
    view->clients = number(connections, "clients");
    view->upstream = number(connections, "upstream");
    view->reply_bytes = number(memory, "replyBytes");
    view->reply_budget = number(memory, "replyBudget");
    view->request_bytes = number(memory, "requestBytes");
    view->request_budget = number(memory, "requestBudget");
    view->cpu_ms = number(process, "cpuMs");
    view->resident_bytes = number(process, "residentBytes");
    view->open = number(circuits, "open");
    view->half_open = number(circuits, "halfOpen");
    read_workers(view, json_object_get(from, "workers"));
    read_origins(view, json_object_get(from, "origins"));
    view->left_off = number(from, "originsLeftOff");
}

bool live_view_parse(struct slice text, struct live_view *ret_view, struct error *err)
{
    json_t *document = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
    bool is_one = json_is_object(json_object_get(document, "batches")) &&
                  json_is_object(json_object_get(document, "items"));
    if (is_one) {
        memset(ret_view, 0, sizeof *ret_view);
        read_all(ret_view, document);
    }
    json_decref(document);
    return is_one || error_set(err, ERROR_INVALID,
                               "what answers there is no gatherd, or an old one");
}

bool live_view_problem(struct slice text, char *ret_text, size_t size)
{
    json_t *document = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
    const char *detail = json_string_value(json_object_get(document, "detail"));
    if (detail)
        snprintf(ret_text, size, "%s", detail);
    json_decref(document);
    return detail != NULL;
}
