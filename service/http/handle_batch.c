/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a batch: admit → read → gather → reply. Reading is batch_read.c's, refusals
 * are batch_refusal.c's. It decides nothing about items; it refuses batches that are
 * wrong in shape, that come while the process holds too many reply bytes, or while it
 * drains. */
#include "http/handlers.h"

#include "base/error.h"
#include "base/memory.h"
#include "batch/gather.h"
#include "batch/parse_report.h"
#include "batch/plan.h"
#include "http/admit_batch.h"
#include "http/admit_caller.h"
#include "http/batch_log.h"
#include "http/batch_read.h"
#include "http/batch_refusal.h"
#include "http/batch_trace.h"
#include "http/exchange.h"
#include "http/handle_stream.h"
#include "http/item_log.h"
#include "http/problem.h"
#include "http/server_timing.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct batch_work {
    struct exchange *exchange;
    struct gather *gather;
    bool logs_items;
    bool is_timed;
    struct server_timing timing; /* if is_timed */
};

/* --------------------------------------------------------------------------- reply */

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
    struct reply head = {
        .status = gather_status(gather),
        .content_type = "application/json",
        .extra_names = {"Gatherd-Complete"},
        .extra_values = {summary->is_complete ? "true" : "false"},
    };
    char timing[SERVER_TIMING_MAX + 1];
    if (work->is_timed) {
        struct buffer out = {.data = timing, .cap = sizeof timing, .max = sizeof timing};
        server_timing_write(&work->timing, summary->elapsed_ms, &out);
        head.extra_names[1] = "Server-Timing";
        head.extra_values[1] = buffer_text(&out);
        assert(!out.failed);
    }
    const struct batch_log_entry entry = {
        .summary = summary,
        .trace = gather_trace(gather),
        .bytes = reply_bytes,
        .status = head.status,
    };
    batch_log(work->exchange, &entry);
    batch_trace_end(work->exchange, entry.trace, &entry);
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
    struct gather_summary summary = gather_summary(work->gather);
    const struct batch_log_entry entry = {
        .summary = &summary, .trace = gather_trace(work->gather), .is_cut = true};
    batch_trace_end(work->exchange, entry.trace, &entry);
    gather_free(work->gather);
    free(work);
}

static void on_drain(void *context)
{
    struct batch_work *work = context;
    gather_end_now(work->gather, CALL_CANCELLED);
}

/* Better told at once than after its deadline. */
static bool admit_in_time(struct exchange *exchange, const struct batch *batch)
{
    const struct front_setup *setup = exchange_setup(exchange);
    uint64_t deadline_ms = plan_deadline_ms(batch, exchange_config(exchange));
    /* For one that is over already there is nothing to be done. */
    bool is_over = batch->has_time_left && batch->time_left_ms == 0;
    if (is_over ||
        admission_is_in_time(setup->admission, batch->count, deadline_ms * 1000))
        return true;
    batch_refuse(exchange, PROBLEM_OVERLOADED,
                 "as busy as the service is, the batch could not be done by its "
                 "deadline; retry a little later",
                 NULL);
    return false;
}

static void on_item(const struct item *item, const struct outcome *outcome,
                    double start_ms, void *context)
{
    struct batch_work *work = context;
    if (work->logs_items)
        item_log(work->exchange, item, outcome, start_ms);
    if (work->is_timed && !item->parent)
        server_timing_note(&work->timing, item->id, outcome, start_ms);
}

static void start_document(struct exchange *exchange, struct batch *batch,
                           const struct gather_setup *setup)
{
    struct batch_work *work = memory_new(sizeof *work);
    work->exchange = exchange;
    struct gather_setup own = *setup;
    own.on_end = on_end;
    work->logs_items = item_log_is_wanted(setup->config);
    work->is_timed = setup->config->server.server_timing;
    if (work->logs_items || work->is_timed)
        own.on_item = on_item;
    own.context = work;
    work->gather = gather_start(&own, batch);
    const struct exchange_waiter waiter = {
        .on_gone = on_gone, .on_drain = on_drain, .work = work};
    exchange_wait(exchange, &waiter);
}

static void start(struct exchange *exchange, struct batch *batch,
                  const struct accept_choice *choice)
{
    const struct front_setup *setup = exchange_setup(exchange);
    const struct gather_setup gather_setup = {
        .loop = setup->loop,
        .fetcher = setup->fetcher,
        .terms = exchange_terms(exchange),
        .request_id = exchange_request_id(exchange),
        .config = exchange_config(exchange),
        .budgets = setup->budgets,
        .metrics = setup->metrics,
        .trace = batch_trace_new(exchange),
        .background = setup->background,
        .arrived_us = exchange_arrived_us(exchange),
    };
    if (choice->form == REPLY_JSON)
        start_document(exchange, batch, &gather_setup);
    else
        handle_stream_start(exchange, batch, &gather_setup, choice);
}

/* ------------------------------------------------------------------------- requests */

/* The status of a stream has left when the first failure comes. */
static bool refuse_late_status(struct exchange *exchange, const struct batch *batch,
                               const struct accept_choice *choice)
{
    struct parse_errors errors = {.refusal = PARSE_INVALID};
    if (choice->form == REPLY_JSON || !batch->takes_failure_status)
        return false;
    report_error(&errors, (struct place){.field = "onFailure"},
                 "cannot be had together with a streamed reply, whose status leaves "
                 "first: accept application/json, or read \"complete\" in the summary");
    batch_refuse_shape(exchange, &errors);
    parse_errors_done(&errors);
    return true;
}

static void on_read(struct exchange *exchange, struct batch *batch,
                    const struct parse_errors *errors)
{
    if (!batch) {
        batch_refuse_shape(exchange, errors);
        return;
    }
    const struct accept_choice choice = exchange_accept(exchange);
    /* It was sound when the batch was admitted. */
    if (!admit_batch_time(exchange, &batch->has_time_left, &batch->time_left_ms)) {
        batch_free(batch);
        return;
    }
    /* The caller's rate last: only what is sent is taken off it. */
    if (!handle_stream_is_again(exchange, &choice) &&
        !refuse_late_status(exchange, batch, &choice) && admit_in_time(exchange, batch) &&
        admit_caller_items(exchange, batch->count))
        start(exchange, batch, &choice);
    else
        batch_free(batch);
}

void handle_batch_post(struct exchange *exchange)
{
    if (admit_batch(exchange))
        batch_read_body(exchange, on_read);
}

void handle_batch_get(struct exchange *exchange)
{
    if (admit_batch(exchange))
        batch_read_query(exchange, on_read);
}
