/* SPDX-License-Identifier: Apache-2.0 */
/* Plain items go straight to the fetcher; this is the only place that knows how others
 * differ. Called by gather.c. */
#include "batch/item_run.h"

#include "base/memory.h"
#include "batch/attempts.h"
#include "batch/for_each.h"
#include "batch/gather_state.h"
#include "fetch/fetcher.h"

#include <stdlib.h>

static unsigned retries_of(const struct gather *gather, const struct item *item)
{
    const struct item_options *options = item->options;
    return options && options->retries != OPTION_NOT_GIVEN
               ? (unsigned)options->retries
               : (unsigned)gather->setup.config->fetch.retries;
}

void item_run_prepare(struct gather *gather, struct item *item)
{
    item->gather = gather;
    item->call.flow = &gather->flow;
    if (!item->options && gather->setup.config->fetch.retries == 0)
        return;
    item->extra = memory_new(sizeof *item->extra);
    item->extra->item = item;
    if (item->options && item->options->signing) {
        signer_init(&item->extra->signer, item->options->signing);
        signer_arm(&item->extra->signer, &item->call);
    }
    if (item->options && item->options->references && !item->parent)
        item->extra->links = item_links_new(item);
}

void item_run_forget(struct item *item)
{
    if (!item->extra)
        return;
    for_each_free(item->gather, item);
    attempts_free(item->extra->attempts);
    signer_done(&item->extra->signer);
    item_links_free(item->gather, item->extra->links);
    free(item->extra);
    item->extra = NULL;
}

static void on_call_done(struct call *call, const struct outcome *outcome)
{
    gather_item_done(container_of(call, struct item, call), outcome);
}

/* The outcome may point into the attempts; the item may be gone when it is told. */
static void on_attempts_done(void *context, const struct outcome *outcome)
{
    struct item *item = context;
    struct attempts *attempts = item->extra->attempts;
    uint64_t start_us = attempts_start_us(attempts);
    item->extra->attempts = NULL;
    item->call.queued_us = start_us;
    gather_item_done(item, outcome);
    attempts_free(attempts);
}

/* May it take more than one call, or be judged by its reply? */
static bool needs_attempts(const struct gather *gather, const struct item *item)
{
    const struct item_options *options = item->options;
    return retries_of(gather, item) > 0 ||
           (options && (options->hedge_after_ms >= 0 || options->alternative_count > 0 ||
                        options->expect));
}

static struct attempts *start_attempts(struct gather *gather, struct item *item)
{
    const struct attempts_setup setup = {
        .loop = gather->setup.loop,
        .fetcher = gather->setup.fetcher,
        .budgets = gather->setup.budgets,
        .metrics = gather->setup.metrics,
        .call = &item->call,
        .options = item->options,
        .retries = retries_of(gather, item),
        .on_done = on_attempts_done,
        .context = item,
    };
    return attempts_start(&setup);
}

void item_run_start(struct gather *gather, struct item *item)
{
    item->is_started = true;
    if (item->extra && needs_attempts(gather, item)) {
        item->extra->attempts = start_attempts(gather, item);
        return;
    }
    item->call.on_done = on_call_done;
    fetcher_start(gather->setup.fetcher, &item->call);
}

static struct attempts *attempts_of(const struct item *item)
{
    return item->extra ? item->extra->attempts : NULL;
}

void item_run_cancel(struct gather *gather, struct item *item, struct outcome *outcome)
{
    struct attempts *attempts = attempts_of(item);
    if (item->extra && item->extra->children) {
        for_each_cancel(gather, item);
        return;
    }
    if (!attempts) {
        fetcher_cancel(gather->setup.fetcher, &item->call);
        return;
    }
    attempts_cancel(attempts, outcome ? outcome->code : CALL_CANCELLED);
    if (outcome)
        outcome->attempts = attempts_records(attempts, &outcome->attempt_count);
}

/* Its children run instead of it. */
static bool has_children(const struct item *item)
{
    return item->extra && item->extra->children;
}

bool item_run_take_back(struct gather *gather, struct item *item)
{
    struct attempts *attempts = attempts_of(item);
    if (!item->is_started || item->is_done || has_children(item))
        return false;
    if (attempts ? !attempts_is_untouched(attempts) : !fetcher_is_untouched(&item->call))
        return false;
    item_run_cancel(gather, item, NULL);
    if (attempts)
        item->extra->attempts = NULL;
    attempts_free(attempts);
    item->is_started = false;
    return true;
}

enum call_phase item_run_phase(const struct item *item)
{
    if (attempts_of(item))
        return attempts_phase(attempts_of(item));
    return item->is_started ? fetcher_phase(&item->call) : PHASE_IDLE;
}

uint64_t item_run_start_us(const struct item *item)
{
    if (attempts_of(item))
        return attempts_start_us(attempts_of(item));
    return item->is_started ? item->call.queued_us : 0;
}

/* What an item's clocks say when it is taken from the fetcher: how long it queued and
 * ran. */
struct call_timing item_run_timing(const struct item *item, uint64_t now_us)
{
    const struct attempts *attempts = attempts_of(item);
    const struct call *call = attempts ? attempts_call(attempts) : &item->call;
    uint64_t start_us = item_run_start_us(item);
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
    if (!item->is_started)
        return timing;
    if (now_us > start_us)
        timing.total = (double)(now_us - start_us) / 1000;
    if (!call)
        return timing; /* between two attempts */
    uint64_t started_us = fetcher_started_us(call);
    uint64_t left_queue_us = started_us ? started_us : now_us;
    if (left_queue_us >= call->queued_us)
        timing.blocked = (double)(left_queue_us - call->queued_us) / 1000;
    return timing;
}
