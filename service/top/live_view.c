/* SPDX-License-Identifier: Apache-2.0 */
/* Reading with jansson; numbers may be integers or not. Called by top.c with what came.
 */
#include "top/live_view.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static double real(const json_t *member)
{
    double value = json_is_number(member) ? json_number_value(member) : 0;
    return isfinite(value) && value > 0 ? value : 0;
}

static uint64_t number(const json_t *member)
{
    double value = real(member);
    return value < 9e15 ? (uint64_t)value : 0; /* what a double holds exactly */
}

#define MEMBER(object, name, kind, type, field)                                          \
    {object, name, kind, offsetof(type, field), sizeof(((type *)0)->field)}
#define VIEW(object, name, kind, field)                                                  \
    MEMBER(object, name, kind, struct live_view, field)
#define WORKER(name, kind, field) MEMBER(NULL, name, kind, struct live_worker, field)
#define ORIGIN(name, kind, field) MEMBER(NULL, name, kind, struct live_origin, field)
#define ROWS(list) {list, sizeof list / sizeof *list}

static const struct live_member of_document[] = {
    VIEW(NULL, "version", LIVE_TEXT, version),
    VIEW(NULL, "state", LIVE_TEXT, state),
    VIEW(NULL, "startedAtMs", LIVE_NUMBER, started_at_ms),
    VIEW(NULL, "uptimeMs", LIVE_NUMBER, uptime_ms),
    VIEW("configuration", "generation", LIVE_NUMBER, generation),
    VIEW("batches", "inFlight", LIVE_NUMBER, batches.in_flight),
    VIEW("batches", "total", LIVE_NUMBER, batches.total),
    VIEW("batches", "complete", LIVE_NUMBER, batches.complete),
    VIEW("batches", "partial", LIVE_NUMBER, batches.partial),
    VIEW("batches", "gone", LIVE_NUMBER, batches.gone),
    VIEW("batches", "refused", LIVE_NUMBER, batches.refused),
    VIEW("items", "inFlight", LIVE_NUMBER, items.in_flight),
    VIEW("items", "queued", LIVE_NUMBER, items.queued),
    VIEW("items", "total", LIVE_NUMBER, items.total),
    VIEW("connections", "clients", LIVE_NUMBER, clients),
    VIEW("connections", "upstream", LIVE_NUMBER, upstream),
    VIEW("memory", "replyBytes", LIVE_NUMBER, reply_bytes),
    VIEW("memory", "replyBudget", LIVE_NUMBER, reply_budget),
    VIEW("memory", "requestBytes", LIVE_NUMBER, request_bytes),
    VIEW("memory", "requestBudget", LIVE_NUMBER, request_budget),
    VIEW("process", "cpuMs", LIVE_NUMBER, cpu_ms),
    VIEW("process", "residentBytes", LIVE_NUMBER, resident_bytes),
    VIEW("circuits", "open", LIVE_NUMBER, open),
    VIEW("circuits", "halfOpen", LIVE_NUMBER, half_open),
    VIEW(NULL, "originsLeftOff", LIVE_NUMBER, left_off),
};
const struct live_members live_view_members = ROWS(of_document);

static const struct live_member of_worker[] = {
    WORKER("inFlight", LIVE_NUMBER, in_flight),
    WORKER("queued", LIVE_NUMBER, queued),
    WORKER("busyMs", LIVE_NUMBER, busy_ms),
    WORKER("clients", LIVE_NUMBER, clients),
    WORKER("origins", LIVE_NUMBER, origins),
    WORKER("loopLagMs", LIVE_REAL, loop_lag_ms),
    WORKER("missing", LIVE_FLAG, is_missing),
};
const struct live_members live_worker_members = ROWS(of_worker);

static const struct live_member of_origin[] = {
    ORIGIN("origin", LIVE_TEXT, name),           ORIGIN("circuit", LIVE_TEXT, circuit),
    ORIGIN("inFlight", LIVE_NUMBER, in_flight),  ORIGIN("waiting", LIVE_NUMBER, waiting),
    ORIGIN("total", LIVE_NUMBER, total),         ORIGIN("failed", LIVE_NUMBER, failed),
    ORIGIN("cancelled", LIVE_NUMBER, cancelled), ORIGIN("meanMs", LIVE_REAL, mean_ms),
};
const struct live_members live_origin_members = ROWS(of_origin);

static void read_member(const struct live_member *row, const json_t *from, char *to)
{
    const json_t *member = json_object_get(from, row->name);
    const char *text = json_string_value(member);
    switch (row->kind) {
    case LIVE_NUMBER:
        *(uint64_t *)(void *)to = number(member);
        return;
    case LIVE_REAL:
        *(double *)(void *)to = real(member);
        return;
    case LIVE_TEXT:
        snprintf(to, row->size, "%s", text ? text : "");
        return;
    case LIVE_FLAG:
        *(bool *)(void *)to = json_is_true(member);
        return;
    }
}

static void read_members(const struct live_members *members, const json_t *from, void *to)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct live_member *row = &members->rows[i];
        const json_t *object = row->object ? json_object_get(from, row->object) : from;
        read_member(row, object, (char *)to + row->offset);
    }
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
        code->count = number(value);
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
        read_members(&live_worker_members, json_array_get(workers, i), &view->workers[i]);
        view->worker_count = i + 1;
    }
}

static void read_origins(struct live_view *view, const json_t *origins)
{
    size_t count = json_array_size(origins);
    for (size_t i = 0; i < count && i < LIVE_VIEW_ORIGINS; i++) {
        read_members(&live_origin_members, json_array_get(origins, i), &view->origins[i]);
        view->origin_count = i + 1;
    }
}

static void read_all(struct live_view *view, const json_t *from)
{
    json_t *items = json_object_get(from, "items");
    const json_t *latency = json_object_get(from, "latencyMs");
    read_members(&live_view_members, from, view);
    read_codes(view, json_object_get(items, "byCode"));
    read_histogram(&view->batch_ms, json_object_get(latency, "batch"));
    read_histogram(&view->item_ms, json_object_get(latency, "item"));
    read_workers(view, json_object_get(from, "workers"));
    read_origins(view, json_object_get(from, "origins"));
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
