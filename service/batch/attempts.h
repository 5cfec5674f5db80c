/* SPDX-License-Identifier: Apache-2.0 */
/* One item over several calls: retries, a hedge, alternatives. attempts.c draws its
 * states; what may follow on an outcome is decided in fetch/retry.h, and which replies
 * are good by the item's expectation (expect.h), which is asked here and nowhere else.
 *
 * In order, after an attempt that failed:
 *   1. the same URL again after a wait, while there are retries left, the method or a key
 *      allows it, the wait ends before the deadline, and the retry budget allows it;
 *   2. the next alternative, at once;
 *   3. nothing: the last outcome is the item's.
 * A hedge is a second attempt beside one that has not answered hedge_after_ms after its
 * dispatch: at the next alternative, or the same URL. There is one an item. The first of
 * the two that does not fail is the item's outcome and the other is cancelled; when one
 * fails, the next alternative takes its place, or else the other is waited for: only the
 * last outcome is kept.
 *
 * One worker thread; nothing blocks. Owned by whoever starts it. */
#pragma once

#include "base/loop.h"
#include "batch/item_options.h"
#include "fetch/fetcher.h"
#include "metrics/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attempts;

/* on_done is called exactly once, from fetcher_turn (never from attempts_start), unless
 * attempts_cancel came first. `outcome` and all it points to is valid until it returns.
 * attempts_free may be called inside. */
typedef void attempts_done_fn(void *context, const struct outcome *outcome);

struct attempts_setup {
    struct loop *loop;
    struct fetcher *fetcher;
    struct budgets *budgets; /* its own memory is counted in request_bytes, and retries
                                and hedges in retries */
    struct metrics_shard *metrics;
    const struct call *call; /* what is asked for, never started itself; it and what it
                                points to outlive the attempts */
    const struct item_options *options; /* likewise; NULL: none */
    unsigned retries;                   /* RETRIES_MAX at most */
    attempts_done_fn *on_done;
    void *context;
};

enum { RETRIES_MAX = 3, ALTERNATIVES_MAX = 8 };

/* attempts_start starts the first attempt. Every attempt is a call of the fetcher like
 * any other, with call->timeout_ms of its own; those after the first are charged to the
 * rate of their caller. */
struct attempts *attempts_start(const struct attempts_setup *setup);

/* attempts_cancel ends all of it without on_done: running attempts are cancelled, and get
 * `code` in the records. */
void attempts_cancel(struct attempts *attempts, enum call_code code);
/* attempts_free, after on_done or attempts_cancel. NULL is fine. */
void attempts_free(struct attempts *attempts);

/* attempts_phase: of the attempt that is furthest. attempts_start_us: when the first was
 * started, clock_now_us; while on_done runs, the one that brought the outcome, whose
 * timing it is. attempts_call: one that is running, or NULL between two. */
enum call_phase attempts_phase(const struct attempts *attempts);
uint64_t attempts_start_us(const struct attempts *attempts);
const struct call *attempts_call(const struct attempts *attempts);

/* attempts_is_untouched: the first attempt only waits; nothing was done for it yet. */
bool attempts_is_untouched(const struct attempts *attempts);

/* attempts_records: what came of each, in the order of their starts, if there were
 * several, else NULL; valid until attempts_free. */
const struct attempt_record *attempts_records(const struct attempts *attempts,
                                              size_t *ret_count);
