/* SPDX-License-Identifier: Apache-2.0 */
/* The batch as a whole, then each item (explain_item.c). Charges what is written item by
 * item, so that a large batch stops where the process's budget for replies does. Called
 * by handle_explain.c. */
#include "batch/explain.h"

#include "batch/explain_item.h"
#include "batch/plan.h"

#include <inttypes.h>
#include <stdlib.h>

enum { LINE_MAX = 256 << 10 };

static void put_until(struct buffer *out, const struct wait_policy *wait)
{
    switch (wait->until) {
    case WAIT_ALL:
        buffer_append_text(out, "\"all\"");
        break;
    case WAIT_FIRST_DONE:
        buffer_append_text(out, "\"firstDone\"");
        break;
    case WAIT_OK:
        buffer_append_format(out, "{\"ok\":%" PRIu32 "}", wait->ok_needed);
        break;
    }
}

static void put_batch(struct buffer *out, const struct config *config,
                      const struct batch *batch, const struct plan *plan)
{
    bool is_lowered = batch->deadline_ms > plan->deadline_ms;
    buffer_append_format(out, "{\"batch\":{\"items\":%zu,\"deadlineMs\":%" PRIu64,
                         batch->count, plan->deadline_ms);
    if (plan->concurrency)
        buffer_append_format(out, ",\"concurrency\":%" PRIu32, plan->concurrency);
    buffer_append_format(out, ",\"lowered\":[%s%s%s]", is_lowered ? "\"deadlineMs\"" : "",
                         is_lowered && batch->concurrency > plan->concurrency ? "," : "",
                         batch->concurrency > plan->concurrency ? "\"concurrency\"" : "");
    buffer_append_text(out, ",\"until\":");
    put_until(out, &batch->wait);
    buffer_append_format(out, ",\"failFast\":%s,\"egressMode\":\"%s\"},\"items\":[",
                         batch->wait.fails_fast ? "true" : "false",
                         config->egress.mode == EGRESS_REPORT ? "report" : "enforce");
}

/* Everything up to here is charged; false: there is no room. */
static bool charge(const struct explain_setup *setup, const struct buffer *out,
                   uint64_t *charged)
{
    if (!budget_take(setup->replies, out->len - *charged))
        return false;
    *charged = out->len;
    return true;
}

static enum explain_result write_all(const struct explain_setup *setup,
                                     struct batch *batch, struct buffer *out,
                                     uint64_t *charged)
{
    struct buffer line;
    struct plan plan = plan_make(batch, setup->config, 0);
    bool is_fine = true;
    buffer_init(&line, LINE_MAX);
    put_batch(out, setup->config, batch, &plan);
    for (size_t i = 0; is_fine && i < batch->count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        explain_item(out, &line, setup, &batch->items[i], slice_make(NULL, 0));
        is_fine = !out->failed && charge(setup, out, charged);
    }
    buffer_append_text(out, "]}");
    buffer_done(&line);
    if (out->failed)
        return out->cap > out->max / 2 ? EXPLAIN_TOO_LARGE : EXPLAIN_NO_ROOM;
    return is_fine && charge(setup, out, charged) ? EXPLAIN_DONE : EXPLAIN_NO_ROOM;
}

enum explain_result explain_batch(const struct explain_setup *setup, struct batch *batch,
                                  struct buffer *out)
{
    uint64_t charged = 0;
    buffer_init(out, setup->config->batch.reply_max_bytes);
    enum explain_result result = write_all(setup, batch, out, &charged);
    if (result == EXPLAIN_DONE)
        return result;
    budget_give(setup->replies, charged);
    buffer_done(out);
    return result;
}
