/* SPDX-License-Identifier: Apache-2.0 */
/* One item of a gather being done, by whatever it takes: a plain item is one call of the
 * fetcher, others may need more. When it ends by itself gather_item_done is told. One
 * worker thread; for gather*.c only. */
#pragma once

#include "batch/batch.h"

#include <stdbool.h>
#include <stdint.h>

/* item_run_prepare makes the extras of an item that has options; called once per item
 * before the batch runs. item_run_forget releases them. */
void item_run_prepare(struct gather *gather, struct item *item);
void item_run_forget(struct item *item);

/* item_run_start starts an item; gather_item_done follows, never from inside. */
void item_run_start(struct gather *gather, struct item *item);
/* item_run_cancel ends a started item that is not done, without gather_item_done.
 * `outcome` (NULL: nobody asks) gets the attempts of one that had several, valid until
 * item_run_forget; those that ran end with its code. */
void item_run_cancel(struct gather *gather, struct item *item, struct outcome *outcome);

/* item_run_take_back: an item that was started and only waits, so that nothing was done
 * for it yet, is as if it had not been started. False: it is not such a one. */
bool item_run_take_back(struct gather *gather, struct item *item);

/* item_run_phase: where it is. item_run_timing: what its clocks say while it runs.
 * item_run_start_us: when it was started, clock_now_us; 0: it was not. */
enum call_phase item_run_phase(const struct item *item);
struct call_timing item_run_timing(const struct item *item, uint64_t now_us);
uint64_t item_run_start_us(const struct item *item);
