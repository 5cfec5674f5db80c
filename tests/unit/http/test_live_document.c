/* SPDX-License-Identifier: Apache-2.0 */
/* http/live_document.h: the document, read back by a JSON library. */
#include "http/live_document.h"
#include "top/live_view.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct metrics_shard *shards[3]; /* of two workers, and main's */
static struct process_state state;
static struct budgets budgets;
static struct admission admission;
static struct live_part parts[2];
static struct circuit_list circuits;
static struct front_setup setup;
static struct live_facts facts;

static void start(void)
{
    for (unsigned i = 0; i < 3; i++)
        shards[i] = metrics_shard_new();
    state = (struct process_state){
        .shards = shards, .shard_count = 3, .version = "1.2", .started_at_ms = 1000};
    atomic_store(&state.is_ready, true);
    atomic_store(&state.config_generation, 4);
    budgets.reply_bytes.max = 100;
    budgets.request_bytes.max = 100;
    setup = (struct front_setup){
        .state = &state, .budgets = &budgets, .admission = &admission};
    facts = (struct live_facts){.setup = &setup,
                                .parts = parts,
                                .part_count = 2,
                                .circuits = &circuits,
                                .now_at_ms = 3000,
                                .now_ms = 2000};
    for (unsigned i = 0; i < 2; i++) {
        parts[i].origins = origin_report_new();
        atomic_store(&parts[i].is_here, true);
    }
}

static void end(void)
{
    for (unsigned i = 0; i < 3; i++)
        metrics_shard_free(shards[i]);
    free(parts[0].origins);
    free(parts[1].origins);
}

TestSuite(live_document, .init = start, .fini = end);

static json_t *written(void)
{
    struct buffer out;
    json_error_t error;
    buffer_init(&out, 1 << 20);
    live_document_write(&out, &facts);
    cr_assert(not(out.failed));
    json_t *document = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
    cr_assert(document != NULL, "%s", error.text);
    buffer_done(&out);
    return document;
}

/* The member at a path of names. */
static json_t *at(json_t *from, const char *one, const char *two)
{
    json_t *member = json_object_get(from, one);
    return two ? json_object_get(member, two) : member;
}

static bool is_a(json_type type, json_t *member)
{
    return json_typeof(member) == type;
}

static long long number(json_t *from, const char *one, const char *two)
{
    json_t *member = at(from, one, two);
    cr_assert(is_a(JSON_INTEGER, member), "%s", one);
    return json_integer_value(member);
}

static void add_origin(unsigned worker, const char *host, unsigned running)
{
    struct origin origin = {.target = {.scheme = "http", .port = 80}};
    snprintf(origin.target.host, sizeof origin.target.host, "%s", host);
    origin.gate.running = running;
    origin.tally = (struct origin_tally){.ended = 2, .us = 3000};
    origin_report_add(parts[worker].origins, &origin, 0x100000001);
}

Test(live_document, an_idle_service_has_every_member)
{
    static const char *const members[] = {
        "version",   "startedAtMs",   "uptimeMs", "nowMs",
        "state",     "configuration", "batches",  "items",
        "latencyMs", "connections",   "memory",   "process",
        "circuits",  "workers",       "origins",  "originsLeftOff"};
    json_t *document = written();
    cr_assert(eq(sz, json_object_size(document), sizeof members / sizeof *members));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        cr_assert(json_object_get(document, members[i]) != NULL, "%s", members[i]);
    cr_assert(number(document, "uptimeMs", NULL) == 2000);
    cr_assert(number(document, "nowMs", NULL) == 3000);
    cr_assert(number(document, "configuration", "generation") == 4);
    cr_assert(eq(str, (char *)json_string_value(at(document, "state", NULL)), "ready"));
    json_decref(document);
}

Test(live_document, counters_of_all_shards_are_summed)
{
    metrics_add(shards[0], METRIC_BATCHES, BATCH_COMPLETE, 2);
    metrics_add(shards[1], METRIC_BATCHES, BATCH_REFUSED, 1);
    metrics_add(shards[2], METRIC_BATCHES, BATCH_REFUSED, 1);
    metrics_add(shards[0], METRIC_ITEMS, CALL_OK, 5);
    metrics_add(shards[1], METRIC_ITEMS, CALL_DNS, 3);
    metrics_set(shards[1], METRIC_ITEMS_QUEUED, 7);
    metrics_observe(shards[1], METRIC_BATCH_SECONDS, 0, 0.003);
    json_t *document = written();
    cr_assert(number(document, "batches", "total") == 4);
    cr_assert(number(document, "batches", "refused") == 2);
    cr_assert(number(document, "items", "total") == 8);
    json_t *codes = at(document, "items", "byCode");
    cr_assert(json_object_size(codes) == 2 && number(codes, "dns", NULL) == 3);
    json_t *buckets = at(document, "latencyMs", "batch");
    cr_assert(eq(sz, json_array_size(buckets), HISTOGRAM_BUCKETS));
    json_t *fourth = json_array_get(buckets, 3);
    cr_assert(json_integer_value(json_array_get(fourth, 0)) == 5);
    cr_assert(json_integer_value(json_array_get(fourth, 1)) == 1);
    json_t *last = json_array_get(buckets, HISTOGRAM_BUCKETS - 1);
    cr_assert(is_a(JSON_NULL, json_array_get(last, 0)));
    json_t *worker = json_array_get(at(document, "workers", NULL), 1);
    cr_assert(number(worker, "queued", NULL) == 7);
    json_decref(document);
}

Test(live_document, a_worker_that_did_not_answer_is_marked)
{
    add_origin(1, "known", 1);
    atomic_store(&parts[0].is_here, false);
    json_t *document = written();
    json_t *workers = at(document, "workers", NULL);
    json_t *lost = json_array_get(workers, 0);
    cr_assert(is_a(JSON_TRUE, at(lost, "missing", NULL)));
    cr_assert(is_a(JSON_NULL, at(lost, "clients", NULL)));
    cr_assert(number(lost, "loopLagMs", NULL) >= 1000);
    cr_assert(at(json_array_get(workers, 1), "missing", NULL) == NULL);
    cr_assert(number(json_array_get(workers, 1), "origins", NULL) == 1);
    cr_assert(json_array_size(at(document, "origins", NULL)) == 1);
    json_decref(document);
}

Test(live_document, origins_are_summed_and_told_their_circuit)
{
    add_origin(0, "a\"b", 2);
    add_origin(1, "a\"b", 1);
    circuits.count = 1;
    circuits.items[0].key = 0x1000000ff;
    circuits.items[0].state = CIRCUIT_OPEN;
    json_t *document = written();
    json_t *row = json_array_get(at(document, "origins", NULL), 0);
    cr_assert(
        eq(str, (char *)json_string_value(at(row, "origin", NULL)), "http://a\"b:80"));
    cr_assert(number(row, "inFlight", NULL) == 3 && number(row, "total", NULL) == 4);
    cr_assert(epsilon_eq(dbl, json_real_value(at(row, "meanMs", NULL)), 1.5, 1e-9));
    cr_assert(eq(str, (char *)json_string_value(at(row, "circuit", NULL)), "open"));
    cr_assert(number(document, "circuits", "open") == 1);
    json_decref(document);
}

Test(live_document, at_most_a_hundred_origins_are_listed)
{
    char host[32];
    for (unsigned i = 0; i < 150; i++) {
        snprintf(host, sizeof host, "h%u", i);
        add_origin(0, host, 1);
    }
    json_t *document = written();
    cr_assert(json_array_size(at(document, "origins", NULL)) == LIVE_ORIGINS_MAX);
    cr_assert(number(document, "originsLeftOff", NULL) == 50);
    json_decref(document);
}

Test(live_document, an_origin_of_which_no_call_has_ended_has_no_mean)
{
    struct origin origin = {.target = {.scheme = "http", .host = "new", .port = 80}};
    origin.gate.running = 1;
    origin_report_add(parts[0].origins, &origin, 0);
    json_t *document = written();
    json_t *row = json_array_get(at(document, "origins", NULL), 0);
    bool has_none = is_a(JSON_NULL, at(row, "meanMs", NULL));
    cr_assert(has_none);
    json_decref(document);
}

/* What `gatherd top` has no use for, or reads in a way of its own. */
static bool is_others(const char *name)
{
    static const char *const names[] = {"nowMs",     "loadedAtMs", "turns",  "byCode",
                                        "latencyMs", "workers",    "origins"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_of_kind(enum live_member_kind kind, const json_t *member)
{
    switch (kind) {
    case LIVE_NUMBER:
        return json_is_integer(member);
    case LIVE_REAL:
        return json_is_number(member);
    case LIVE_TEXT:
        return json_is_string(member);
    case LIVE_FLAG:
        return json_is_true(member);
    }
    return false;
}

static bool is_read(const struct live_members *members, const char *object,
                    const char *name)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct live_member *row = &members->rows[i];
        if (strcmp(row->name, name) == 0 &&
            strcmp(row->object ? row->object : "", object) == 0)
            return true;
    }
    return false;
}

static void expect_all_read(const struct live_members *members, const char *object,
                            json_t *from)
{
    const char *name;
    json_t *member;
    json_object_foreach(from, name, member)
    {
        if (json_is_object(member) && !is_others(name))
            expect_all_read(members, name, member);
        else
            cr_expect(is_others(name) || is_read(members, object, name),
                      "nobody reads %s %s", object, name);
    }
}

static void expect_agreement(const struct live_members *members, json_t *from)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct live_member *row = &members->rows[i];
        json_t *object = row->object ? json_object_get(from, row->object) : from;
        cr_expect(is_of_kind(row->kind, json_object_get(object, row->name)),
                  "nobody writes %s %s", row->object ? row->object : "", row->name);
    }
    expect_all_read(members, "", from);
}

Test(live_document, what_is_written_here_is_what_top_reads)
{
    add_origin(1, "a", 1);
    atomic_store(&parts[0].is_here, false);
    json_t *document = written();
    json_t *workers = at(document, "workers", NULL);
    json_t *worker = json_array_get(workers, 1);
    json_object_update_missing(worker, json_array_get(workers, 0)); /* "missing" */
    expect_agreement(&live_view_members, document);
    expect_agreement(&live_worker_members, worker);
    expect_agreement(&live_origin_members,
                     json_array_get(at(document, "origins", NULL), 0));
    json_decref(document);
}
