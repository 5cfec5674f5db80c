/* SPDX-License-Identifier: Apache-2.0 */
/* A gather that waits for the reader of its responses. Without a limit of concurrency all
 * items of a batch are handed to the fetcher at once, where they would go on being sent
 * one after the other while it is paused; so these are taken back. Once is enough: later
 * no more are handed over than run. What runs is not touched: its upstream has been
 * asked, and stopping to read would keep slots from others. */
#include "batch/gather_state.h"

#include "batch/item_run.h"

enum { CONCURRENCY_LEAST = 16 };

static void take_back(struct gather *gather)
{
    size_t first = gather->next;
    for (size_t i = gather->next; i-- > 0;) {
        if (!item_run_take_back(gather, &gather->batch->items[i]))
            continue;
        gather->running--;
        first = i;
    }
    gather->next = first;
}

static void limit_concurrency(struct gather *gather)
{
    uint32_t most = gather->running > CONCURRENCY_LEAST ? (uint32_t)gather->running
                                                        : CONCURRENCY_LEAST;
    if (gather->plan.concurrency == 0 || gather->plan.concurrency > most)
        gather->plan.concurrency = most;
}

void gather_pause(struct gather *gather)
{
    gather->is_paused = true;
    if (gather->was_paused || gather->is_ending)
        return;
    gather->was_paused = true;
    take_back(gather);
    limit_concurrency(gather);
}

void gather_resume(struct gather *gather)
{
    gather->is_paused = false;
    if (gather->state == GATHER_RUNNING)
        gather_start_more(gather);
}
