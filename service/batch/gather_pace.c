/* SPDX-License-Identifier: Apache-2.0 */
/* A gather that waits for the reader of its responses. Without a limit of concurrency all
 * items of a batch are handed to the fetcher at once, where they would go on being sent
 * one after the other while it is paused; so these are taken back. What runs is not
 * touched: its upstream has been asked, and stopping to read would keep slots from
 * others. Resumed, as many may run as did, and one more for each that ends, until the
 * reader is behind again. Called by the handler of streams. */
#include "batch/gather_state.h"

#include "batch/item_run.h"

enum { PACE_LEAST = 16 };

/* From the items started last to those started first, as long as there are some that are
 * not done: the one whose response is handed on right now is not among `running`. */
static void take_back(struct gather *gather)
{
    size_t first = gather->next;
    size_t left = gather->running + 1;
    for (size_t i = gather->next; i > 0 && left > 0; i--) {
        struct item *item = &gather->batch->items[i - 1];
        left -= item->is_started && !item->is_done;
        if (!item_run_take_back(gather, item))
            continue;
        gather->running--;
        first = i - 1;
    }
    gather->next = first;
}

void gather_pause(struct gather *gather)
{
    if (gather->is_paused)
        return;
    gather->is_paused = true;
    if (gather->is_ending)
        return;
    take_back(gather);
    gather->pace = gather->running > PACE_LEAST ? gather->running : PACE_LEAST;
}

void gather_resume(struct gather *gather)
{
    gather->is_paused = false;
    if (gather->state == GATHER_RUNNING)
        gather_start_more(gather);
}
