/* SPDX-License-Identifier: Apache-2.0 */
/* A batch that ends before its items have: at its deadline, when it has what it waits
 * for, or when the process drains. What is not done is abandoned, each item with a
 * sentence that says why and where it was; in slices, a batch may be large. Called by
 * gather.c. */
#include "batch/gather_state.h"

#include "base/clock.h"
#include "batch/for_each.h"
#include "batch/item_run.h"

#include <stdio.h>

enum {
    END_SLICE = 512,    /* items ended before others have a turn, 1.5 µs each */
    MESSAGE_SIZE = 768, /* an id is at most 128 characters of 4 bytes */
};

/* What the item `gather->last` did that ended the batch; follows its id. */
static void explain_last(const struct gather *gather, char *text, size_t size)
{
    const struct wait_policy *policy = &gather->batch->wait;
    if (gather->ending_verdict == WAIT_FAILED)
        snprintf(text, size, "failed and \"failFast\" is set");
    else if (policy->until == WAIT_FIRST_DONE)
        snprintf(text, size, "was done first");
    else if (policy->ok_needed == 1)
        snprintf(text, size, "was ok first");
    else
        snprintf(text, size, "was the last of %u ok", (unsigned)policy->ok_needed);
}

static void explain(const struct gather *gather, const struct item *item,
                    enum call_code code, char *text, size_t size)
{
    char what[64];
    bool is_waiting = item->extra && item->extra->waits_for > 0;
    const char *where =
        is_waiting ? "waiting for other requests" : call_phase_name(item_run_phase(item));
    if (code == CALL_DEADLINE) {
        snprintf(text, size, "the batch's deadline of %llu ms came while the item was %s",
                 (unsigned long long)(gather->plan.deadline_ms - gather->began_ms),
                 where);
    } else if (gather->last) {
        explain_last(gather, what, sizeof what);
        snprintf(text, size, "not needed any more: item \"%.*s\" %s; this one was %s",
                 (int)gather->last->id.len, gather->last->id.data, what, where);
    } else {
        snprintf(text, size, "the batch was ended while the item was %s", where);
    }
}

static void abandon_item(struct gather *gather, struct item *item, enum call_code code,
                         uint64_t now_us)
{
    char message[MESSAGE_SIZE];
    explain(gather, item, code, message, sizeof message);
    struct outcome outcome = {
        .code = code,
        .method = item->call.method,
        .message = message,
        .timing = item_run_timing(item, now_us),
    };
    uint64_t start_us = item->is_started ? item_run_start_us(item) : now_us;
    if (item->is_started) {
        item_run_cancel(gather, item, &outcome);
        gather->running--;
    }
    gather_finish_item(gather, item, &outcome, gather_ms(gather, start_us));
}

/* The last of its children done, a parent is too. Returns how many there were. */
static size_t abandon_children(struct gather *gather, struct item *parent,
                               enum call_code code, uint64_t now_us)
{
    size_t count = 0;
    struct item *child = NULL;
    while ((child = for_each_next_left(parent, child))) {
        abandon_item(gather, child, code, now_us);
        count++;
    }
    return count;
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
        if (left == 0) {
            gather_go_on_next_turn(gather, on_end_more);
            return;
        }
        size_t ended = 1;
        if (item->extra && item->extra->children)
            ended = abandon_children(gather, item, gather->ending_code, now_us);
        else
            abandon_item(gather, item, gather->ending_code, now_us);
        left -= ended < left ? ended : left;
    }
    gather_end(gather);
}

void gather_end_early(struct gather *gather, enum call_code code)
{
    if (gather->is_ending)
        return;
    loop_timer_clear(gather->setup.loop, &gather->more);
    gather->is_ending = true;
    gather->ending_code = code;
    /* What is abandoned in later slices is not sent. */
    fetcher_end_flow(gather->setup.fetcher, &gather->flow);
    gather->next = 0;
    on_end_more(&gather->more);
}
