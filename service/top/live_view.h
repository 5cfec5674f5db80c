/* SPDX-License-Identifier: Apache-2.0 */
/* The document of GET /-/live as values. What is missing in it is 0, so that a service of
 * another version can be looked at too. To read one more member: a field and a row of the
 * table in live_view.c. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LIVE_VIEW_CODES = 64,
    LIVE_VIEW_BUCKETS = 32,
    LIVE_VIEW_WORKERS = 256,
    LIVE_VIEW_ORIGINS = 100,
    LIVE_VIEW_NAME = 320, /* longer ones are cut */
};

struct live_code {
    char name[32];
    uint64_t count;
};

struct live_histogram {
    size_t count;
    double bounds_ms[LIVE_VIEW_BUCKETS]; /* upper ones; negative: there is none */
    uint64_t counts[LIVE_VIEW_BUCKETS];  /* of each bucket alone */
};

struct live_worker {
    uint64_t in_flight, queued, busy_ms, clients, origins;
    double loop_lag_ms;
    bool is_missing;
};

struct live_origin {
    char name[LIVE_VIEW_NAME]; /* others' text: see base/terminal_text.h */
    char circuit[16];
    uint64_t in_flight, waiting, total, failed, cancelled;
    double mean_ms;
};

struct live_view {
    char version[32];
    char state[16];
    uint64_t started_at_ms, uptime_ms, generation;
    struct {
        uint64_t in_flight, total, complete, partial, gone, refused;
    } batches;
    struct {
        uint64_t in_flight, queued, total;
    } items;
    size_t code_count;
    struct live_code codes[LIVE_VIEW_CODES];
    struct live_histogram batch_ms;
    struct live_histogram item_ms;
    uint64_t clients, upstream;
    uint64_t reply_bytes, reply_budget, request_bytes, request_budget;
    uint64_t cpu_ms, resident_bytes;
    uint64_t open, half_open; /* circuits */
    size_t worker_count;
    struct live_worker workers[LIVE_VIEW_WORKERS];
    size_t origin_count;
    struct live_origin origins[LIVE_VIEW_ORIGINS];
    uint64_t left_off;
};

enum live_member_kind {
    LIVE_NUMBER, /* uint64_t */
    LIVE_REAL,   /* double */
    LIVE_TEXT,   /* char[size], cut */
    LIVE_FLAG,   /* bool: it is there and true */
};

/* A member of the document, and where it is kept: of struct live_view, live_worker or
 * live_origin. */
struct live_member {
    const char
        *object; /* the object it stands in; NULL: the document, or one of a list */
    const char *name;
    enum live_member_kind kind;
    size_t offset;
    size_t size;
};

/* All that is read but byCode and the histograms. The tests hold http/live_document.c
 * against it, which writes them. */
struct live_members {
    const struct live_member *rows;
    size_t count;
};
extern const struct live_members live_view_members, live_worker_members,
    live_origin_members;

/* live_view_parse fills `ret_view`; false when `text` is no such document. */
bool live_view_parse(struct slice text, struct live_view *ret_view,
                     struct error *err) MUST_CHECK;

/* live_view_problem writes the sentence of a problem document (RFC 9457) to `ret_text`;
 * false when `text` is none. */
bool live_view_problem(struct slice text, char *ret_text, size_t size);
