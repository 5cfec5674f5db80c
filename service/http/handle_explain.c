/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/explain: the way of a batch up to where it would be sent. It is admitted,
 * read and refused like a batch, and costs its caller one item of its rate, however many
 * it has: nothing is fetched. What takes long is done on the background thread. */
#include "http/handlers.h"

#include "base/background.h"
#include "base/memory.h"
#include "batch/explain.h"
#include "batch/gather.h"
#include "http/admit_batch.h"
#include "http/admit_caller.h"
#include "http/batch_read.h"
#include "http/batch_refusal.h"
#include "http/exchange.h"
#include "http/problem.h"

#include <stdlib.h>

enum { INLINE_ITEMS_MAX = 200 }; /* some 1 ms */

struct explaining {
    struct background_job job;
    struct exchange *exchange; /* NULL: answered, or its client is gone */
    struct snapshot *snapshot; /* held: `setup` is of it */
    struct explain_setup setup;
    struct batch *batch;
    struct buffer out;
    enum explain_result result;
};

static void release(struct explaining *explaining)
{
    batch_free(explaining->batch);
    snapshot_release(explaining->snapshot);
    free(explaining);
}

static void reply(struct explaining *explaining)
{
    static const struct reply head = {.status = 200, .content_type = "application/json"};
    struct exchange *exchange = explaining->exchange;
    struct gather_piece piece;
    switch (explaining->result) {
    case EXPLAIN_TOO_LARGE:
        batch_refuse(exchange, PROBLEM_TOO_LARGE,
                     "the explanation is over batch.reply_max_bytes; split the batch",
                     NULL);
        return;
    case EXPLAIN_NO_ROOM:
        batch_refuse(exchange, PROBLEM_OVERLOADED,
                     "the replies held fill memory.reply_budget; retry a little later",
                     NULL);
        return;
    case EXPLAIN_DONE:
        break;
    }
    piece.data = buffer_take(&explaining->out, &piece.len);
    exchange_reply_pieces(exchange, &head, &piece, 1, piece.len);
}

static void run(struct background_job *job)
{
    struct explaining *explaining = container_of(job, struct explaining, job);
    explaining->result =
        explain_batch(&explaining->setup, explaining->batch, &explaining->out);
}

static void on_done(struct background_job *job)
{
    struct explaining *explaining = container_of(job, struct explaining, job);
    if (explaining->exchange) {
        reply(explaining);
    } else {
        budget_give(explaining->setup.replies, explaining->out.len);
        buffer_done(&explaining->out);
    }
    release(explaining);
}

static void on_gone(void *work)
{
    ((struct explaining *)work)->exchange = NULL;
}

static void on_drain(void *work)
{
    struct explaining *explaining = work;
    batch_refuse(explaining->exchange, PROBLEM_DRAINING, "this instance is shutting down",
                 NULL);
    explaining->exchange = NULL;
}

static void explain(struct exchange *exchange, struct batch *batch)
{
    const struct front_setup *setup = exchange_setup(exchange);
    struct explaining *explaining = memory_new(sizeof *explaining);
    explaining->exchange = exchange;
    explaining->batch = batch;
    explaining->snapshot = snapshot_hold(exchange_terms(exchange)->snapshot);
    explaining->setup = (struct explain_setup){.config = exchange_config(exchange),
                                               .guard = exchange_terms(exchange)->guard,
                                               .replies = &setup->budgets->reply_bytes};
    explaining->job = (struct background_job){
        .run = run, .done = on_done, .port = setup->background_port};
    if (batch->count <= INLINE_ITEMS_MAX) {
        run(&explaining->job);
        on_done(&explaining->job);
        return;
    }
    const struct exchange_waiter waiter = {
        .on_gone = on_gone, .on_drain = on_drain, .work = explaining};
    exchange_wait(exchange, &waiter);
    background_give(setup->background, &explaining->job);
}

static void on_read(struct exchange *exchange, struct batch *batch,
                    const struct parse_errors *errors)
{
    if (!batch) {
        batch_refuse_shape(exchange, errors);
        return;
    }
    if (admit_batch_time(exchange, &batch->has_time_left, &batch->time_left_ms) &&
        admit_caller_items(exchange, 1))
        explain(exchange, batch);
    else
        batch_free(batch);
}

void handle_explain_post(struct exchange *exchange)
{
    if (admit_batch(exchange))
        batch_read_body(exchange, on_read);
}
