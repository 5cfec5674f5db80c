/* SPDX-License-Identifier: Apache-2.0 */
/* Plain items go straight to the fetcher; this is the only place that knows how others
 * differ. Called by gather.c. */
#include "batch/item_run.h"

#include "base/memory.h"
#include "batch/gather_state.h"
#include "fetch/fetcher.h"

#include <stdlib.h>

void item_run_prepare(struct gather *gather, struct item *item)
{
    item->gather = gather;
    item->call.flow = &gather->flow;
    if (!item->options)
        return;
    item->extra = memory_new(sizeof *item->extra);
    item->extra->item = item;
}

void item_run_forget(struct item *item)
{
    free(item->extra);
    item->extra = NULL;
}

static void on_call_done(struct call *call, const struct outcome *outcome)
{
    gather_item_done(container_of(call, struct item, call), outcome);
}

void item_run_start(struct gather *gather, struct item *item)
{
    item->is_started = true;
    item->call.on_done = on_call_done;
    fetcher_start(gather->setup.fetcher, &item->call);
}

void item_run_cancel(struct gather *gather, struct item *item)
{
    fetcher_cancel(gather->setup.fetcher, &item->call);
}

bool item_run_is_untouched(const struct item *item)
{
    return item->is_started && !item->is_done && !item->extra &&
           fetcher_is_untouched(&item->call);
}

enum call_phase item_run_phase(const struct item *item)
{
    return item->is_started ? fetcher_phase(&item->call) : PHASE_IDLE;
}

uint64_t item_run_start_us(const struct item *item)
{
    return item->is_started ? item->call.queued_us : 0;
}

/* What an item's clocks say when it is taken from the fetcher: how long it queued and
 * ran. */
struct call_timing item_run_timing(const struct item *item, uint64_t now_us)
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
    uint64_t started_us = fetcher_started_us(call);
    uint64_t left_queue_us = started_us ? started_us : now_us;
    if (item->is_started && left_queue_us >= call->queued_us)
        timing.blocked = (double)(left_queue_us - call->queued_us) / 1000;
    return timing;
}
