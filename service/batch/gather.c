/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a batch:
 *
 *     NEW ──gather_start──► RUNNING ──last outcome, deadline, gather_end_now──► ENDED
 *                              │                                                 │
 *                         gather_free ◄──── REPLIED ◄────────gather_reply────────┘
 *
 * Each item is rendered when its call ends, so at the end there is only joining left.
 * RUNNING waits for on_done of calls and for one timer, the deadline; whichever comes
 * first ends it, and ENDED is entered once. It never calls on_end from gather_start, and
 * touches nothing of its own after on_end, which may free it. Called by the handler of
 * batches. */
#include "batch/gather.h"

#include "base/clock.h"
#include "base/memory.h"
#include "batch/plan.h"
#include "batch/render.h"
#include "batch/reply.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum gather_state {
    GATHER_NEW,
    GATHER_RUNNING,
    GATHER_ENDED,
    GATHER_REPLIED,
    GATHER_STATES
};

enum {
    LARGE_BODY = 16 << 10,     /* from here on a fragment has memory of its own */
    FIRST_ROOM_MAX = 64 << 10, /* for small fragments, at the start */
    ROOM_PER_ITEM = 512,
    FAILURE_MAX = 4096, /* a response without body and headers fits */
    /* Items started (0.1 µs each), or ended early (1.5 µs), before others have a turn. */
    START_SLICE = 2048,
    END_SLICE = 512,
};

static const unsigned allowed_moves[GATHER_STATES] = {
    [GATHER_NEW] = 1u << GATHER_RUNNING,
    [GATHER_RUNNING] = 1u << GATHER_ENDED,
    [GATHER_ENDED] = 1u << GATHER_REPLIED,
    [GATHER_REPLIED] = 0,
};

struct gather {
    struct gather_setup setup;
    struct batch *batch;
    enum gather_state state;
    struct plan plan;
    struct flow flow;
    struct timer deadline;
    uint64_t began_ms;
    uint64_t began_us;
    size_t next; /* the first item not started; while it ends early, not looked at */
    struct timer more; /* to start or end the next slice in the next turn */
    bool is_ending;    /* early: what is not done gets `ending_code` */
    enum call_code ending_code;
    size_t running; /* started, not done */
    size_t done;
    size_t ok;
    uint64_t reply_bytes; /* of the fragments; counted in budgets->reply_bytes */
    double elapsed_ms;    /* valid from GATHER_ENDED on */
};

static void move_to(struct gather *gather, enum gather_state state)
{
    assert(allowed_moves[gather->state] & 1u << state);
    gather->state = state;
}

static double ms_since_start(const struct gather *gather, uint64_t us)
{
    return us > gather->began_us ? (double)(us - gather->began_us) / 1000 : 0;
}

/* Gives back what was taken too much: only what is used is counted. */
static char *fit(struct buffer *own)
{
    if (own->cap - own->len > own->len / 8) {
        char *smaller = realloc(own->data, own->len);
        if (smaller)
            own->data = smaller;
    }
    return own->data;
}

/* There was no room for the item's body: a response without one, which always fits. */
static void render_too_large(struct gather *gather, struct item *item,
                             const struct outcome *outcome, double start_ms)
{
    struct outcome failure = *outcome;
    failure.code = CALL_TOO_LARGE;
    failure.message = "the replies of this batch are too large together";
    struct buffer out = {
        .data = memory_new(FAILURE_MAX), .cap = FAILURE_MAX, .max = FAILURE_MAX};
    buffer_append_byte(&out, item == gather->batch->items ? '[' : ',');
    render_response(&out, item->id, &failure, gather->batch->include, start_ms);
    assert(!out.failed);
    item->fragment = (struct fragment){.own = fit(&out), .len = out.len};
}

/* Takes room for one failure by buffer's own steps. A ceiling so near that growing stops
 * at it would move the whole block every few items: quadratic over a batch. */
static void grow_ahead(struct buffer *out)
{
    out->max = SIZE_MAX / 4;
    if (!buffer_reserve(out, FAILURE_MAX))
        out->failed = false; /* tried again for what the item needs */
}

/* Renders into its segment's block, or large bodies into memory of their own.
 * Returns the code the item ends with: there may be no room for its body. */
static enum call_code render_item(struct gather *gather, struct item *item,
                                  const struct outcome *outcome, double start_ms)
{
    struct batch *batch = gather->batch;
    uint64_t most = gather->setup.config->batch.reply_max_bytes;
    uint64_t room = gather->reply_bytes < most ? most - gather->reply_bytes : 0;
    bool is_large = (batch->include & INCLUDE_BODY) && outcome->has_body &&
                    outcome->body.len > LARGE_BODY;
    struct buffer own;
    buffer_init(&own, 0);
    struct buffer *out = is_large ? &own : &batch_segment_of(batch, item)->block;
    size_t before = out->len;
    if (!is_large)
        grow_ahead(out);
    out->max = before + (outcome->code == CALL_OK ? room : 0) + FAILURE_MAX;
    buffer_append_byte(out, item == batch->items ? '[' : ',');
    render_response(out, item->id, outcome, batch->include, start_ms);
    if (out->failed) {
        out->len = before;
        out->failed = false;
        buffer_done(&own);
        render_too_large(gather, item, outcome, start_ms);
        return CALL_TOO_LARGE;
    }
    item->fragment = (struct fragment){.offset = before, .len = out->len - before};
    if (is_large)
        item->fragment.own = fit(&own);
    return outcome->code;
}

static void finish_item(struct gather *gather, struct item *item,
                        const struct outcome *outcome, double start_ms)
{
    assert(!item->is_done);
    item->code = render_item(gather, item, outcome, start_ms);
    item->is_done = true;
    gather->done++;
    gather->ok += item->code == CALL_OK;
    gather->reply_bytes += item->fragment.len;
    budget_force(&gather->setup.budgets->reply_bytes, item->fragment.len);
    struct segment *segment = batch_segment_of(gather->batch, item);
    if (--segment->left == 0 && gather->batch->segment_count > 1)
        reply_order(gather->batch, segment);
    metrics_add(gather->setup.metrics, METRIC_ITEMS, item->code, 1);
}

static void count_end(struct gather *gather, enum batch_result result)
{
    metrics_add(gather->setup.metrics, METRIC_BATCHES, result, 1);
    metrics_add(gather->setup.metrics, METRIC_BATCHES_IN_FLIGHT, 0, (uint64_t)-1);
}

/* All items are done: the gather may be gone when this returns. */
static void end(struct gather *gather)
{
    assert(gather->done == gather->batch->count && gather->running == 0);
    move_to(gather, GATHER_ENDED);
    loop_timer_clear(gather->setup.loop, &gather->deadline);
    loop_timer_clear(gather->setup.loop, &gather->more);
    gather->elapsed_ms = ms_since_start(gather, clock_now_us());
    count_end(gather,
              gather->ok == gather->batch->count ? BATCH_COMPLETE : BATCH_PARTIAL);
    metrics_observe(gather->setup.metrics, METRIC_BATCH_SECONDS, 0,
                    gather->elapsed_ms / 1000);
    gather->setup.on_end(gather, gather->setup.context);
}

static void go_on_next_turn(struct gather *gather, timer_fn *on_due)
{
    gather->more.on_due = on_due;
    loop_timer_set(gather->setup.loop, &gather->more, gather->setup.loop->now_ms);
}

static void start_more(struct gather *gather);

static void on_start_more(struct timer *timer)
{
    start_more(container_of(timer, struct gather, more));
}

static void start_more(struct gather *gather)
{
    struct batch *batch = gather->batch;
    uint32_t most = gather->plan.concurrency;
    size_t left = START_SLICE;
    if (gather->is_ending || timer_is_set(&gather->more))
        return;
    while (gather->next < batch->count && (most == 0 || gather->running < most)) {
        if (left-- == 0) {
            go_on_next_turn(gather, on_start_more);
            return;
        }
        struct item *item = &batch->items[gather->next++];
        item->is_started = true;
        gather->running++;
        fetcher_start(gather->setup.fetcher, &item->call);
    }
}

static void on_call_done(struct call *call, const struct outcome *outcome)
{
    struct item *item = container_of(call, struct item, call);
    struct gather *gather = item->gather;
    assert(gather->state == GATHER_RUNNING && item->is_started);
    gather->running--;
    finish_item(gather, item, outcome, ms_since_start(gather, call->queued_us));
    if (gather->done == gather->batch->count)
        end(gather);
    else
        start_more(gather);
}

/* What an item's clocks say when it is taken from the fetcher: how long it queued and
 * ran. */
static struct call_timing unfinished_timing(const struct item *item, uint64_t now_us)
{
    const struct call *call = &item->call;
    struct call_timing timing = {
        .blocked = -1,
        .dns = -1,
        .connect = -1,
        .ssl = -1,
        .send = -1,
        .wait = -1,
        .receive = -1,
        .total = 0,
    };
    if (item->is_started && now_us > call->queued_us)
        timing.total = (double)(now_us - call->queued_us) / 1000;
    uint64_t left_queue_us = call->started_us ? call->started_us : now_us;
    if (item->is_started && left_queue_us >= call->queued_us)
        timing.blocked = (double)(left_queue_us - call->queued_us) / 1000;
    return timing;
}

static void explain(const struct gather *gather, enum call_code code,
                    enum call_phase phase, char *text, size_t size)
{
    const char *where = call_phase_name(phase);
    if (code == CALL_DEADLINE)
        snprintf(text, size, "the batch's deadline of %llu ms came while the item was %s",
                 (unsigned long long)(gather->plan.deadline_ms - gather->began_ms),
                 where);
    else
        snprintf(text, size, "the batch was ended while the item was %s", where);
}

static void abandon_item(struct gather *gather, struct item *item, enum call_code code,
                         uint64_t now_us)
{
    char message[160];
    explain(gather, code, item->is_started ? fetcher_phase(&item->call) : PHASE_IDLE,
            message, sizeof message);
    struct outcome outcome = {
        .code = code,
        .method = item->call.method,
        .message = message,
        .timing = unfinished_timing(item, now_us),
    };
    uint64_t start_us = item->is_started ? item->call.queued_us : now_us;
    if (item->is_started) {
        fetcher_cancel(gather->setup.fetcher, &item->call);
        gather->running--;
    }
    finish_item(gather, item, &outcome, ms_since_start(gather, start_us));
}

/* Calls may still end by themselves between two slices; the last one then ends it. */
static void on_end_more(struct timer *timer)
{
    struct gather *gather = container_of(timer, struct gather, more);
    uint64_t now_us = clock_now_us();
    size_t left = END_SLICE;
    for (; gather->next < gather->batch->count; gather->next++) {
        struct item *item = &gather->batch->items[gather->next];
        if (item->is_done)
            continue;
        if (left-- == 0) {
            go_on_next_turn(gather, on_end_more);
            return;
        }
        abandon_item(gather, item, gather->ending_code, now_us);
    }
    end(gather);
}

static void end_early(struct gather *gather, enum call_code code)
{
    if (gather->is_ending)
        return;
    loop_timer_clear(gather->setup.loop, &gather->more);
    gather->is_ending = true;
    gather->ending_code = code;
    gather->next = 0;
    on_end_more(&gather->more);
}

static void on_deadline(struct timer *timer)
{
    end_early(container_of(timer, struct gather, deadline), CALL_DEADLINE);
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
    gather->flow.caller = setup->caller;
    gather->flow.request_id = setup->request_id;
    gather->plan = plan_make(batch, setup->config, gather->began_ms);
    make_room(batch);
    for (size_t i = 0; i < batch->count; i++) {
        batch->items[i].gather = gather;
        batch->items[i].call.flow = &gather->flow;
        batch->items[i].call.on_done = on_call_done;
    }
    move_to(gather, GATHER_RUNNING);
    metrics_add(setup->metrics, METRIC_BATCHES_IN_FLIGHT, 0, 1);
    /* A batch of nothing ends at once, but from the timer: never from here. */
    gather->deadline.on_due = on_deadline;
    loop_timer_set(setup->loop, &gather->deadline,
                   batch->count ? gather->plan.deadline_ms : gather->began_ms);
    start_more(gather);
    return gather;
}

void gather_end_now(struct gather *gather, enum call_code code)
{
    if (gather->state == GATHER_RUNNING)
        end_early(gather, code);
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
            fetcher_cancel(gather->setup.fetcher, &item->call);
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
    budget_give(&gather->setup.budgets->reply_bytes, gather->reply_bytes);
    batch_free_later(gather->batch, gather->setup.background);
    free(gather);
}

struct gather_summary gather_summary(const struct gather *gather)
{
    bool is_over = gather->state >= GATHER_ENDED;
    return (struct gather_summary){
        .total = gather->batch->count,
        .ok = gather->ok,
        .failed = gather->done - gather->ok,
        .elapsed_ms =
            is_over ? gather->elapsed_ms : ms_since_start(gather, clock_now_us()),
    };
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
