/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a batch takes 1 to 3 µs an item (10,000 items: 10 to 30 ms), during which the
 * loop serves nobody. So a large body goes to the background thread, with the memory it
 * is charged to; the exchange waits meanwhile like one whose batch runs. Called by
 * handle_batch.c. */
#include "http/batch_read.h"

#include "base/background.h"
#include "base/memory.h"
#include "http/batch_refusal.h"
#include "http/query.h"

#include <stdlib.h>

enum {
    INLINE_MAX = 64 * 1024, /* some 600 items */
    /* Besides url=, a query may name each option a few times (a mistake parse_query
     * explains). */
    QUERY_OPTIONS_MAX = 32,
};

static struct parse_setup parse_setup_of(const struct exchange *exchange)
{
    const struct front_setup *setup = exchange_setup(exchange);
    const struct terms *terms = exchange_terms(exchange);
    return (struct parse_setup){.config = terms->snapshot->config,
                                .memory = &setup->budgets->request_bytes,
                                .max_items = terms->max_items,
                                .may_set_host = terms->may_set_host,
                                .caller = terms->caller->name};
}

/* ------------------------------------------------------------------ in the background */

struct reading {
    struct background_job job;
    struct exchange *exchange; /* NULL: answered, or its client is gone */
    batch_read_fn *on_read;

    /* The background thread's until the job is done. */
    struct snapshot *snapshot; /* held: `setup` is of it */
    struct parse_setup setup;
    struct buffer body;
    uint64_t charged; /* for the body, of setup.memory */
    struct batch *batch;
    struct parse_errors errors;
};

static void run(struct background_job *job)
{
    struct reading *reading = container_of(job, struct reading, job);
    reading->batch =
        parse_batch(buffer_slice(&reading->body), &reading->setup, &reading->errors);
    buffer_done(&reading->body);
    budget_give(reading->setup.memory, reading->charged);
}

static void on_done(struct background_job *job)
{
    struct reading *reading = container_of(job, struct reading, job);
    if (reading->exchange)
        reading->on_read(reading->exchange, reading->batch, &reading->errors);
    else
        batch_free(reading->batch);
    parse_errors_done(&reading->errors);
    snapshot_release(reading->snapshot);
    free(reading);
}

static void on_gone(void *work)
{
    ((struct reading *)work)->exchange = NULL;
}

static void on_drain(void *work)
{
    struct reading *reading = work;
    batch_refuse(reading->exchange, PROBLEM_DRAINING, "this instance is shutting down",
                 NULL);
    reading->exchange = NULL;
}

static void read_in_background(struct exchange *exchange, batch_read_fn *on_read)
{
    const struct front_setup *setup = exchange_setup(exchange);
    struct reading *reading = memory_new(sizeof *reading);
    reading->exchange = exchange;
    reading->on_read = on_read;
    reading->snapshot = snapshot_hold(exchange_terms(exchange)->snapshot);
    reading->setup = parse_setup_of(exchange);
    exchange_take_body(exchange, &reading->body, &reading->charged);
    const struct exchange_waiter waiter = {
        .on_gone = on_gone, .on_drain = on_drain, .work = reading};
    exchange_wait(exchange, &waiter);
    reading->job = (struct background_job){
        .run = run, .done = on_done, .port = setup->background_port};
    background_give(setup->background, &reading->job);
}

/* ------------------------------------------------------------------------- requests */

void batch_read_body(struct exchange *exchange, batch_read_fn *on_read)
{
    struct slice body = exchange_body(exchange);
    if (body.len > INLINE_MAX) {
        read_in_background(exchange, on_read);
        return;
    }
    struct parse_errors errors = {.count = 0};
    const struct parse_setup setup = parse_setup_of(exchange);
    struct batch *batch = parse_batch(body, &setup, &errors);
    on_read(exchange, batch, &errors);
    parse_errors_done(&errors);
}

static enum problem_type problem_of_query(const struct error *err)
{
    if (err->kind == ERROR_SYSTEM)
        return PROBLEM_OVERLOADED;
    return err->kind == ERROR_LIMIT ? PROBLEM_TOO_MANY_ITEMS : PROBLEM_INVALID_BATCH;
}

/* A query is never large: its head fits a connection's memory. */
void batch_read_query(struct exchange *exchange, batch_read_fn *on_read)
{
    const struct config *config = exchange_config(exchange);
    struct query query;
    struct error err;
    if (!query_parse(exchange_query(exchange),
                     config->batch.max_items + QUERY_OPTIONS_MAX, &query, &err)) {
        batch_refuse(exchange, problem_of_query(&err), err.text, NULL);
        return;
    }
    struct parse_errors errors = {.count = 0};
    const struct parse_setup setup = parse_setup_of(exchange);
    struct batch *batch = parse_query(query.arguments, query.count, &setup, &errors);
    query_done(&query);
    on_read(exchange, batch, &errors);
    parse_errors_done(&errors);
}
