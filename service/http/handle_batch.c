/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a batch: admit → parse → gather → reply. The only file that knows both http
 * and batch. It decides nothing about items; it refuses batches that are wrong in shape,
 * that come while the process holds too many reply bytes, or while it drains. */
#include "http/handlers.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "batch/gather.h"
#include "batch/parse.h"
#include "http/exchange.h"
#include "http/problem.h"
#include "http/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Besides url=, a query may name each option a few times (a mistake parse_query
 * explains). */
enum { QUERY_OPTIONS_MAX = 32 };

struct batch_work {
    struct exchange *exchange;
    struct gather *gather;
    char address[64]; /* the client's */
};

/* ------------------------------------------------------------------------ refusals */

static void refuse_batch(struct exchange *exchange, enum problem_type type,
                         const char *detail, const struct parse_errors *errors)
{
    metrics_add(exchange_setup(exchange)->metrics, METRIC_BATCHES, BATCH_REFUSED, 1);
    problem_reply(exchange, type, detail, errors);
}

/* Refused for its size or for want of memory, not for what is in it. */
static bool refuse_size(struct exchange *exchange, const struct parse_errors *errors)
{
    char detail[128];
    switch (errors->refusal) {
    case PARSE_TOO_MANY:
        snprintf(detail, sizeof detail,
                 "more than %" PRIu64 " items (batch.max_items); split the batch",
                 exchange_setup(exchange)->config->batch.max_items);
        refuse_batch(exchange, PROBLEM_TOO_MANY_ITEMS, detail, errors);
        return true;
    case PARSE_TOO_LARGE:
        refuse_batch(
            exchange, PROBLEM_TOO_LARGE,
            "the document is too large for memory.request_budget; split the batch",
            errors);
        return true;
    case PARSE_NO_MEMORY:
        refuse_batch(exchange, PROBLEM_OVERLOADED, exchange_no_room_detail, NULL);
        return true;
    case PARSE_INVALID:
        break;
    }
    return false;
}

static void refuse_shape(struct exchange *exchange, const struct parse_errors *errors)
{
    char detail[128];
    if (refuse_size(exchange, errors))
        return;
    if (errors->total > errors->count)
        snprintf(detail, sizeof detail,
                 "%zu faults, the first %zu are listed; nothing was sent", errors->total,
                 errors->count);
    else if (errors->total == 1)
        snprintf(detail, sizeof detail, "1 field is wrong; nothing was sent");
    else
        snprintf(detail, sizeof detail, "%zu fields are wrong; nothing was sent",
                 errors->total);
    refuse_batch(exchange, PROBLEM_INVALID_BATCH, detail, errors);
}

/* Admission comes before the body is parsed: refusing must be cheap. */
static bool admit(struct exchange *exchange)
{
    const struct front_setup *setup = exchange_setup(exchange);
    if (atomic_load_explicit(&setup->state->is_draining, memory_order_relaxed)) {
        refuse_batch(exchange, PROBLEM_DRAINING, "this instance is shutting down", NULL);
        return false;
    }
    if (budget_is_nearly_full(&setup->budgets->reply_bytes)) {
        refuse_batch(exchange, PROBLEM_OVERLOADED,
                     "the replies held fill memory.reply_budget; retry a little later",
                     NULL);
        return false;
    }
    if (!memory_keep_reserve()) {
        refuse_batch(exchange, PROBLEM_OVERLOADED,
                     "the process is out of memory; retry a little later", NULL);
        return false;
    }
    return true;
}

/* --------------------------------------------------------------------------- reply */

static void write_log(const struct batch_work *work, const struct gather_summary *summary,
                      uint64_t bytes)
{
    if (!exchange_setup(work->exchange)->config->log.access)
        return;
    struct log_line line;
    log_begin(&line, LOG_INFO, "batch");
    log_text(&line, "requestId", exchange_request_id(work->exchange));
    log_text(&line, "client", work->address);
    if (*exchange_caller(work->exchange)->name)
        log_text(&line, "caller", exchange_caller(work->exchange)->name);
    log_int(&line, "items", (int64_t)summary->total);
    log_int(&line, "ok", (int64_t)summary->ok);
    log_int(&line, "failed", (int64_t)summary->failed);
    log_int(&line, "status", 200);
    log_double(&line, "elapsedMs", summary->elapsed_ms);
    log_int(&line, "bytes", (int64_t)bytes);
    log_end(&line);
}

static void send_reply(struct batch_work *work, struct gather *gather,
                       const struct gather_summary *summary)
{
    struct gather_piece pieces[GATHER_PIECES_MAX];
    uint64_t reply_bytes = 0;
    size_t count = gather_reply(gather, pieces, &reply_bytes);
    if (count == 0) {
        problem_reply(work->exchange, PROBLEM_INTERNAL, "no memory for the reply", NULL);
        return;
    }
    const struct reply head = {
        .status = 200,
        .content_type = "application/json",
        .extra_names = {"Gatherd-Complete"},
        .extra_values = {summary->failed == 0 ? "true" : "false"},
    };
    write_log(work, summary, reply_bytes);
    exchange_reply_pieces(work->exchange, &head, pieces, count, reply_bytes);
}

static void on_end(struct gather *gather, void *context)
{
    struct batch_work *work = context;
    struct gather_summary summary = gather_summary(gather);
    send_reply(work, gather, &summary);
    gather_free(gather);
    free(work);
}

static void on_gone(void *context)
{
    struct batch_work *work = context;
    gather_free(work->gather);
    free(work);
}

static void on_drain(void *context)
{
    struct batch_work *work = context;
    gather_end_now(work->gather, CALL_CANCELLED);
}

static void start(struct exchange *exchange, struct batch *batch)
{
    const struct front_setup *setup = exchange_setup(exchange);
    struct batch_work *work = memory_new(sizeof *work);
    work->exchange = exchange;
    exchange_client_address(exchange, work->address, sizeof work->address);
    const struct gather_setup gather_setup = {
        .loop = setup->loop,
        .fetcher = setup->fetcher,
        .caller = exchange_caller(exchange),
        .request_id = exchange_request_id(exchange),
        .config = setup->config,
        .budgets = setup->budgets,
        .metrics = setup->metrics,
        .on_end = on_end,
        .context = work,
    };
    work->gather = gather_start(&gather_setup, batch);
    const struct exchange_waiter waiter = {
        .on_gone = on_gone, .on_drain = on_drain, .work = work};
    exchange_wait(exchange, &waiter);
}

/* ------------------------------------------------------------------------- requests */

static void start_or_refuse(struct exchange *exchange, struct batch *batch,
                            struct parse_errors *errors)
{
    if (batch)
        start(exchange, batch);
    else
        refuse_shape(exchange, errors);
    parse_errors_done(errors);
}

static struct parse_setup parse_setup_of(const struct exchange *exchange)
{
    const struct front_setup *setup = exchange_setup(exchange);
    return (struct parse_setup){.config = setup->config,
                                .memory = &setup->budgets->request_bytes};
}

void handle_batch_post(struct exchange *exchange)
{
    if (!admit(exchange))
        return;
    struct parse_errors errors = {.count = 0};
    const struct parse_setup setup = parse_setup_of(exchange);
    struct batch *batch = parse_batch(exchange_body(exchange), &setup, &errors);
    start_or_refuse(exchange, batch, &errors);
}

static enum problem_type problem_of_query(const struct error *err)
{
    if (err->kind == ERROR_SYSTEM)
        return PROBLEM_OVERLOADED;
    return err->kind == ERROR_LIMIT ? PROBLEM_TOO_MANY_ITEMS : PROBLEM_INVALID_BATCH;
}

void handle_batch_get(struct exchange *exchange)
{
    if (!admit(exchange))
        return;
    const struct config *config = exchange_setup(exchange)->config;
    struct query query;
    struct error err;
    if (!query_parse(exchange_query(exchange),
                     config->batch.max_items + QUERY_OPTIONS_MAX, &query, &err)) {
        refuse_batch(exchange, problem_of_query(&err), err.text, NULL);
        return;
    }
    struct parse_errors errors = {.count = 0};
    const struct parse_setup setup = parse_setup_of(exchange);
    struct batch *batch = parse_query(query.arguments, query.count, &setup, &errors);
    query_done(&query);
    start_or_refuse(exchange, batch, &errors);
}
