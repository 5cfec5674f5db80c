/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a gather, for gather*.c and item_run.c only. */
#pragma once

#include "base/list.h"
#include "batch/gather.h"
#include "batch/item_links.h"
#include "batch/plan.h"
#include "batch/signer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gather_state {
    GATHER_NEW,
    GATHER_RUNNING,
    GATHER_ENDED,
    GATHER_REPLIED,
    GATHER_STATES
};

/* What an item with options has besides while it runs; made by gather_start. */
struct item_extra {
    struct item *item;
    struct list node;          /* in gather->ready or gather->doomed */
    size_t waits_for;          /* items that have to be done before it may start */
    struct attempts *attempts; /* NULL: it is one call, or not started */
    struct signer signer;      /* if it is to be signed */
    struct children *children; /* of a forEach (for_each.h); NULL: it is one call */
    struct item_links *links;  /* NULL: it needs no others, and no others need it */
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
    struct list ready; /* items before `next` that waited for others, and may start now */
    struct list doomed; /* items that cannot start any more, as others failed */
    struct timer more;  /* to start or end the next slice in the next turn */
    bool has_extras;    /* some items have some */
    bool is_paused;     /* gather_pause */
    size_t pace;        /* after a pause: no more items run at once; 0: not limited */
    bool is_ending;     /* early: what is not done gets `ending_code` */
    enum call_code ending_code;
    enum wait_verdict ending_verdict; /* why, if because of the item `last`; … */
    const struct item *last;          /* NULL: not because of an item */
    const struct item *last_done;     /* for what is left to the next turn */
    size_t child_count;               /* made by forEach so far */
    size_t running;                   /* started, not done; children, not their parents */
    size_t done;
    size_t ok;
    size_t required_failed; /* of those that are not optional */
    bool first_is_ok;       /* the item that was done first */
    struct buffer response; /* of the item that just ended, where they are handed on */
    uint64_t reply_bytes;   /* of the fragments; counted in budgets->reply_bytes */
    uint64_t value_bytes;   /* of values kept for other items; counted there too */
    uint64_t filled_bytes;  /* of values put into items, in this turn's slice */
    double elapsed_ms;      /* valid from GATHER_ENDED on */
};

/* Milliseconds from the batch's arrival to `us` of clock_now_us. */
static inline double gather_ms(const struct gather *gather, uint64_t us)
{
    return us > gather->began_us ? (double)(us - gather->began_us) / 1000 : 0;
}

/* gather_may_start: there is room for one more item to run. */
static inline bool gather_may_start(const struct gather *gather)
{
    size_t most = gather->plan.concurrency;
    return (most == 0 || gather->running < most) &&
           (gather->pace == 0 || gather->running < gather->pace);
}

/* gather_start_more starts what may start now. */
void gather_start_more(struct gather *gather);

/* gather_end: all items are done; the gather may be gone when this returns.
 * gather_end_early (gather_early.c): what is not done is abandoned with `code`, then it
 * ends, perhaps in a later turn; nothing when it is ending already. */
void gather_end(struct gather *gather);
void gather_end_early(struct gather *gather, enum call_code code);

/* gather_go_on_next_turn: on_due is called in the next turn; one thing at a time. */
void gather_go_on_next_turn(struct gather *gather, timer_fn *on_due);

static inline struct wait_counts gather_counts(const struct gather *gather)
{
    return (struct wait_counts){
        .total = gather->batch->count,
        .done = gather->done,
        .ok = gather->ok,
        .required_failed = gather->required_failed,
        .first_is_ok = gather->first_is_ok,
    };
}

/* gather_item_done: a started item ended by itself, with `outcome`, valid until this
 * returns. The gather may be gone thereafter. Called from fetcher_turn and timers. */
void gather_item_done(struct item *item, const struct outcome *outcome);

/* gather_tell: an item of the batch or a child of one has ended with item->code. */
static inline void gather_tell(const struct gather *gather, const struct item *item,
                               const struct outcome *outcome, double start_ms)
{
    if (gather->setup.on_item)
        gather->setup.on_item(item, outcome, start_ms, gather->setup.context);
}

/* gather_finish_item renders the response of an item and counts it; `start_ms` is when it
 * was handed to the fetcher, since the batch began. Starts and ends nothing. */
void gather_finish_item(struct gather *gather, struct item *item,
                        const struct outcome *outcome, double start_ms);

/* gather_render writes the response of an item, or says that it is too large when it does
 * not fit into `room` bytes: then it fails by that. Returns what it ends with. */
enum call_code gather_render(const struct gather *gather, const struct item *item,
                             const struct outcome *outcome, double start_ms,
                             uint64_t room, struct buffer *out);

/* gather_finish_unsent: as gather_finish_item, for an item that cannot be sent because of
 * others. gather_finish_doomed does so with those of gather->doomed, and those that they
 * doom; false: there are more, for the next turn. */
void gather_finish_unsent(struct gather *gather, struct item *item, const char *message);
bool gather_finish_doomed(struct gather *gather) MUST_CHECK;
