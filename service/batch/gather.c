/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a batch:
 *
 *     NEW ──gather_start──► RUNNING ──last outcome, deadline, gather_end_now──► ENDED
 *                              │                                                 │
 *                         gather_free ◄──── REPLIED ◄────────gather_reply────────┘
 *
 * Each item is rendered when its call ends, so at the end there is only joining left.
 * RUNNING waits for on_done of calls and for one timer, the deadline. After each item
 * wait_policy.c says whether more are needed; those that are not are abandoned in slices,
 * and so they are at the deadline (gather_early.c). ENDED is entered once. It never calls
 * on_end from gather_start, and touches nothing of its own after on_end, which may free
 * it. Called by the handler of batches. */
#include "batch/gather.h"

#include "base/clock.h"
#include "base/memory.h"
#include "batch/for_each.h"
#include "batch/gather_state.h"
#include "batch/item_run.h"
#include "batch/reply.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    FIRST_ROOM_MAX = 64 << 10, /* for small fragments, at the start */
    ROOM_PER_ITEM = 512,
    START_SLICE = 2048, /* items started before others have a turn, 0.1 µs each */
    FILL_BYTES = 256,   /* of values put into an item take as long as starting one:
                           up to 5 ms a megabyte, percent-encoded */
    MESSAGE_SIZE = 768,
};

static const unsigned allowed_moves[GATHER_STATES] = {
    [GATHER_NEW] = 1u << GATHER_RUNNING,
    [GATHER_RUNNING] = 1u << GATHER_ENDED,
    [GATHER_ENDED] = 1u << GATHER_REPLIED,
    [GATHER_REPLIED] = 0,
};

static void move_to(struct gather *gather, enum gather_state state)
{
    assert(allowed_moves[gather->state] & 1u << state);
    gather->state = state;
}

static void count_end(struct gather *gather, enum batch_result result)
{
    metrics_add(gather->setup.metrics, METRIC_BATCHES, result, 1);
    metrics_add(gather->setup.metrics, METRIC_BATCHES_IN_FLIGHT, 0, (uint64_t)-1);
}

static bool is_complete(const struct gather *gather)
{
    const struct wait_counts counts = gather_counts(gather);
    return wait_is_complete(&gather->batch->wait, &counts);
}

static void observe(const struct gather *gather)
{
    const struct trace *trace = gather->setup.trace;
    struct metrics_shard *metrics = gather->setup.metrics;
    struct exemplar exemplar;
    if (!trace || !trace->is_recorded) {
        metrics_observe(metrics, METRIC_BATCH_SECONDS, 0, gather->elapsed_ms / 1000);
        return;
    }
    trace_exemplar(trace, trace->context.span_id, gather->setup.loop->now_us, &exemplar);
    metrics_observe_traced(metrics, METRIC_BATCH_SECONDS, 0, gather->elapsed_ms / 1000,
                           &exemplar);
}

void gather_end(struct gather *gather)
{
    assert(gather->done == gather->batch->count && gather->running == 0);
    move_to(gather, GATHER_ENDED);
    loop_timer_clear(gather->setup.loop, &gather->deadline);
    loop_timer_clear(gather->setup.loop, &gather->more);
    gather->elapsed_ms = gather_ms(gather, clock_now_us());
    count_end(gather, is_complete(gather) ? BATCH_COMPLETE : BATCH_PARTIAL);
    observe(gather);
    gather->setup.on_end(gather, gather->setup.context);
}

void gather_go_on_next_turn(struct gather *gather, timer_fn *on_due)
{
    gather->more.on_due = on_due;
    loop_timer_set(gather->setup.loop, &gather->more, gather->setup.loop->now_ms);
}

static void on_start_more(struct timer *timer)
{
    gather_start_more(container_of(timer, struct gather, more));
}

static void settle(struct gather *gather, const struct item *last);

static void on_settle(struct timer *timer)
{
    struct gather *gather = container_of(timer, struct gather, more);
    settle(gather, gather->last_done);
}

/* Items were done, `last` the last of them: what follows for the others, and for the
 * batch. It may be gone when this returns. */
static void settle(struct gather *gather, const struct item *last)
{
    bool is_settled = gather_finish_doomed(gather);
    const struct wait_counts counts = gather_counts(gather);
    enum wait_verdict verdict = wait_judge(&gather->batch->wait, &counts);
    if (verdict == WAIT_DONE) {
        gather_end(gather);
    } else if (verdict != WAIT_GO_ON && !gather->is_ending) {
        gather->ending_verdict = verdict;
        gather->last = last;
        gather_end_early(gather, CALL_CANCELLED);
    } else if (!is_settled) {
        gather->last_done = last;
        gather_go_on_next_turn(gather, on_settle);
    } else {
        gather_start_more(gather);
    }
}

/* Makes the item ready to be sent: values put into it, or children made instead of it.
 * False: it is not to be sent, and *ret_is_done says whether it is done. */
static bool make_ready(struct gather *gather, struct item *item, bool *ret_is_done)
{
    char text[MESSAGE_SIZE];
    struct buffer message = {.data = text, .cap = sizeof text, .max = sizeof text - 1};
    *ret_is_done = false;
    if (!item->extra || !item->extra->links)
        return true;
    bool is_parent = for_each_is_asked(item);
    if (is_parent ? for_each_open(gather, item, &message)
                  : item_links_expand(gather, item, &message)) {
        *ret_is_done = item->is_done; /* an array without elements */
        return !is_parent;
    }
    gather_finish_unsent(gather, item, buffer_text(&message));
    *ret_is_done = true;
    return false;
}

/* The next item that may start: one that others kept waiting, or the next in order. */
static struct item *next_item(struct gather *gather)
{
    struct list *node = list_pop_front(&gather->ready);
    if (node)
        return container_of(node, struct item_extra, node)->item;
    while (gather->next < gather->batch->count) {
        struct item *item = &gather->batch->items[gather->next++];
        if (item->is_started || item->is_done)
            continue; /* `next` went back: gather_pause */
        if (!item->extra || item->extra->waits_for == 0)
            return item;
    }
    return NULL;
}

void gather_start_more(struct gather *gather)
{
    size_t left = START_SLICE;
    timer_fn *next_turn = NULL;
    if (gather->is_ending || gather->is_paused || timer_is_set(&gather->more))
        return;
    while (!gather->is_paused && gather_may_start(gather)) {
        struct item *item = left > 0 ? next_item(gather) : NULL;
        if (!item)
            break;
        bool is_done;
        gather->filled_bytes = 0;
        bool is_ready = make_ready(gather, item, &is_done);
        uint64_t cost = 1 + gather->filled_bytes / FILL_BYTES;
        left -= cost < left ? (size_t)cost : left;
        if (!is_ready) {
            if (is_done) { /* settled later: others may call this */
                gather->last_done = item->parent ? item->parent : item;
                next_turn = on_settle;
            }
            continue;
        }
        gather->running++;
        item_run_start(gather, item);
    }
    if (left == 0 && !next_turn)
        next_turn = on_start_more;
    if (next_turn)
        gather_go_on_next_turn(gather, next_turn);
}

void gather_item_done(struct item *item, const struct outcome *outcome)
{
    struct gather *gather = item->gather;
    assert(gather->state == GATHER_RUNNING && item->is_started);
    gather->running--;
    gather_finish_item(gather, item, outcome, gather_ms(gather, item_run_start_us(item)));
    gather->pace += gather->pace > 0 && !gather->is_paused;
    settle(gather, item->parent ? item->parent : item);
}

static void on_deadline(struct timer *timer)
{
    gather_end_early(container_of(timer, struct gather, deadline), CALL_DEADLINE);
}

static void make_room(struct batch *batch)
{
    size_t room = batch->count < FIRST_ROOM_MAX / ROOM_PER_ITEM
                      ? batch->count * ROOM_PER_ITEM
                      : FIRST_ROOM_MAX;
    batch_make_segments(batch);
    struct buffer *block = &batch->segments[0].block;
    block->max = FIRST_ROOM_MAX;
    if (!buffer_reserve(block, room))
        block->failed = false; /* tried again when there is something to hold */
}

struct gather *gather_start(const struct gather_setup *setup, struct batch *batch)
{
    struct gather *gather = memory_new(sizeof *gather);
    gather->setup = *setup;
    gather->batch = batch;
    gather->began_us = setup->arrived_us ? setup->arrived_us : clock_now_us();
    gather->began_ms = gather->began_us / 1000;
    list_init(&gather->ready);
    list_init(&gather->doomed);
    buffer_init(&gather->response, 0);
    gather->flow.terms = setup->terms;
    gather->flow.caller = setup->terms ? setup->terms->caller : NULL;
    gather->flow.request_id = setup->request_id;
    gather->flow.trace = setup->trace;
    gather->plan = plan_make(batch, setup->config, gather->began_ms);
    make_room(batch);
    for (size_t i = 0; i < batch->count; i++) {
        item_run_prepare(gather, &batch->items[i]);
        gather->has_extras |= batch->items[i].extra != NULL;
    }
    move_to(gather, GATHER_RUNNING);
    metrics_add(setup->metrics, METRIC_BATCHES_IN_FLIGHT, 0, 1);
    /* A batch of nothing ends at once, but from the timer: never from here. */
    gather->deadline.on_due = on_deadline;
    loop_timer_set(setup->loop, &gather->deadline,
                   batch->count ? gather->plan.deadline_ms : gather->began_ms);
    gather_start_more(gather);
    return gather;
}

void gather_end_now(struct gather *gather, enum call_code code)
{
    if (gather->state == GATHER_RUNNING)
        gather_end_early(gather, code);
}

/* The client is gone: nobody will read what is still to come. */
static void drop_running(struct gather *gather)
{
    loop_timer_clear(gather->setup.loop, &gather->deadline);
    loop_timer_clear(gather->setup.loop, &gather->more);
    for (size_t i = 0; i < gather->batch->count; i++) {
        struct item *item = &gather->batch->items[i];
        if (item->is_done)
            continue;
        if (item->is_started)
            item_run_cancel(gather, item, NULL);
        metrics_add(gather->setup.metrics, METRIC_ITEMS, CALL_CANCELLED, 1);
    }
    count_end(gather, BATCH_GONE);
}

void gather_free(struct gather *gather)
{
    if (!gather)
        return;
    if (gather->state == GATHER_RUNNING)
        drop_running(gather);
    for (size_t i = 0; gather->has_extras && i < gather->batch->count; i++)
        item_run_forget(&gather->batch->items[i]);
    buffer_done(&gather->response);
    budget_give(&gather->setup.budgets->reply_bytes, gather->reply_bytes);
    batch_free_later(gather->batch, gather->setup.background);
    free(gather->setup.trace);
    free(gather);
}

const struct trace *gather_trace(const struct gather *gather)
{
    return gather->setup.trace;
}

struct gather_summary gather_summary(const struct gather *gather)
{
    bool is_over = gather->state >= GATHER_ENDED;
    return (struct gather_summary){
        .total = gather->batch->count,
        .ok = gather->ok,
        .failed = gather->done - gather->ok,
        .is_complete = is_complete(gather),
        .elapsed_ms = is_over ? gather->elapsed_ms : gather_ms(gather, clock_now_us()),
    };
}

int gather_status(const struct gather *gather)
{
    const struct batch *batch = gather->batch;
    int optional_status = 0;
    assert(gather->state >= GATHER_ENDED);
    if (!batch->takes_failure_status || is_complete(gather))
        return 200;
    for (size_t i = 0; i < batch->count; i++) {
        const struct item *item = &batch->items[i];
        if (item->code == CALL_OK || item->code == CALL_CANCELLED)
            continue;
        int status = call_code_row(item->code)->status;
        if (!item_is_optional(item))
            return status;
        if (optional_status == 0)
            optional_status = status;
    }
    return optional_status ? optional_status : call_code_row(CALL_CANCELLED)->status;
}

size_t gather_reply(struct gather *gather, struct gather_piece pieces[GATHER_PIECES_MAX],
                    uint64_t *ret_bytes)
{
    move_to(gather, GATHER_REPLIED);
    struct gather_summary summary = gather_summary(gather);
    size_t count = reply_join(gather->batch, &summary, pieces);
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += pieces[i].len;
    budget_force(&gather->setup.budgets->reply_bytes, bytes);
    budget_give(&gather->setup.budgets->reply_bytes, gather->reply_bytes);
    gather->reply_bytes = 0;
    *ret_bytes = bytes;
    return count;
}
