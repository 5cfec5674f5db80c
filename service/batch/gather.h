/* SPDX-License-Identifier: Apache-2.0 */
/* asyncio.gather and wait: starts a batch's calls, takes their outcomes, ends exactly
 * once: when all are done or batch->wait has what it waits for. What is no longer needed
 * then is cancelled: nothing of it is sent any more, what was sent is closed or reset.
 * gather.c draws the states. One worker thread; nothing blocks. */
#pragma once

#include "base/loop.h"
#include "batch/batch.h"
#include "config/config.h"
#include "fetch/budget.h"
#include "fetch/fetcher.h"
#include "metrics/metrics.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gather;

/* on_end is called exactly once, from fetcher_turn, a timer, or gather_end_now (never
 * from gather_start), unless gather_free came first. The gather and its batch stay
 * valid until gather_free, which may be called inside. */
typedef void gather_end_fn(struct gather *gather, void *context);

/* on_response is handed each response object as its item ends, without white space around
 * it; it is valid until that returns. It may call gather_pause, nothing else. The
 * responses are not kept then: gather_reply has none. */
typedef void gather_response_fn(struct gather *gather, const struct item *item,
                                struct slice json, void *context);
/* on_item is told of each item as it ends, children of a forEach included and before
 * their parent, with what it ended with: `item->code`, which is not outcome->code where
 * the reply was too large to keep. Both are valid until it returns; it calls nothing of
 * the gather. Items of a client that went away are not told of. */
typedef void gather_item_fn(const struct item *item, const struct outcome *outcome,
                            double start_ms, void *context);
/* held: how many bytes of responses handed on are still held; they count against
 * batch.reply_max_bytes as those kept do. */
typedef uint64_t gather_held_fn(void *context);

struct gather_setup {
    struct loop *loop;
    struct fetcher *fetcher;
    const struct terms *terms; /* of whose batch it is */
    const char *request_id; /* for lines of the log; outlives the gather; may be NULL */
    const struct config *config;
    struct budgets *budgets;
    struct metrics_shard *metrics;
    struct trace *trace; /* the batch's; taken over, freed with the gather; NULL: none */
    struct background *background; /* for freeing large batches; may be NULL */
    uint64_t arrived_us; /* clock_now_us when the request was complete: its deadline
                            counts from there; 0: now */
    gather_end_fn *on_end;
    gather_response_fn *on_response; /* NULL: responses are kept for gather_reply */
    gather_held_fn *held;            /* with on_response */
    gather_item_fn *on_item;         /* NULL: nobody wants to know */
    void *context;
};

/* gather_start takes over `batch` and starts it: at most `concurrency` items at once, the
 * rest as others end. */
struct gather *gather_start(const struct gather_setup *setup, struct batch *batch);

/* gather_end_now ends the batch with what is there: items not done get `code`
 * (CALL_CANCELLED while draining), and calls on_end; for a large batch that takes a few
 * turns. A no-op after the end. */
void gather_end_now(struct gather *gather, enum call_code code);

/* While paused no further items are started, and what only waits to be sent is taken
 * back; what runs goes on, and so does the deadline. Resumed, about as many run at once
 * as did.
 */
void gather_pause(struct gather *gather);
void gather_resume(struct gather *gather);

/* gather_free cancels what still runs and releases the gather and its batch, without
 * on_end; for clients gone and after on_end. NULL is fine. */
void gather_free(struct gather *gather);

struct gather_summary {
    size_t total, ok, failed;
    bool is_complete; /* what was waited for has come (wait_policy.h) */
    double elapsed_ms;
};
/* gather_trace: as given to gather_start. */
const struct trace *gather_trace(const struct gather *gather);
struct gather_summary gather_summary(const struct gather *gather);

/* gather_status: of the reply, after the end: 200; but where the batch asks for it
 * ("onFailure": "status") and is not complete, that of its first failed required item
 * that was not cancelled. Where there is none of these, of its first failed optional one,
 * and 499 when all that failed was cancelled. */
int gather_status(const struct gather *gather);

/* gather_reply hands out the reply as pieces in order: few (at most GATHER_PIECES_MAX),
 * large ones alone, small ones joined. The caller frees each piece's memory by free();
 * their bytes stay counted in budgets->reply_bytes until the caller gives them back
 * (ret_bytes). Once only, after on_end. 0: there is no memory for it, and nothing is
 * counted any more. */
enum { GATHER_PIECES_MAX = 128 };
struct gather_piece {
    char *data;
    size_t len;
};
size_t gather_reply(struct gather *gather, struct gather_piece pieces[GATHER_PIECES_MAX],
                    uint64_t *ret_bytes);
