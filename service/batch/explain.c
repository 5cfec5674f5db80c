/* SPDX-License-Identifier: Apache-2.0 */
/* The batch as a whole, then each item (explain_item.c). Charges what is written item by
 * item, so that a large batch stops where the process's budget for replies does. Called
 * by handle_explain.c. */
#include "batch/explain.h"

#include "batch/explain_item.h"
#include "base/json_text.h"
#include "base/memory.h"
#include "batch/plan.h"
#include "batch/references.h"

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

/* -------------------------------------------------------------------------- who waits */

static const struct references *references_of(const struct batch *batch, size_t index)
{
    const struct item_options *options = batch->items[index].options;
    return options ? options->references : NULL;
}

/* Those that wait for nobody have level 0, the others one more than the highest they wait
 * for. Taken off one by one as nothing is left that they wait for (Kahn): the parser has
 * refused cycles. NULL: there is no memory. */
static uint32_t *find_levels(const struct batch *batch)
{
    size_t count = batch->count;
    uint32_t *levels = memory_try_array(count * 3, sizeof *levels);
    if (!levels)
        return NULL;
    uint32_t *left = levels + count;
    uint32_t *queue = levels + 2 * count;
    size_t queued = 0;
    for (size_t i = 0; i < count; i++) {
        const struct references *references = references_of(batch, i);
        left[i] = references ? (uint32_t)references->need_count : 0;
        if (left[i] == 0)
            queue[queued++] = (uint32_t)i;
    }
    for (size_t at = 0; at < queued; at++) {
        const struct references *references = references_of(batch, queue[at]);
        for (size_t i = 0; references && i < references->user_count; i++) {
            size_t user = references->users[i];
            if (levels[user] <= levels[queue[at]])
                levels[user] = levels[queue[at]] + 1;
            if (--left[user] == 0)
                queue[queued++] = (uint32_t)user;
        }
    }
    return levels;
}

static void put_depends(struct buffer *out, const struct batch *batch, size_t index,
                        uint32_t level)
{
    const struct references *references = references_of(batch, index);
    if (!references)
        return;
    buffer_append_text(out, ",\"dependsOn\":[");
    for (size_t i = 0; i < references->need_count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        json_text_append_string(out, batch->items[references->needs[i]].id);
    }
    buffer_append_format(out, "],\"level\":%" PRIu32, level);
    if (references->for_each)
        buffer_append_format(out, ",\"forEach\":{\"max\":%zu}",
                             references->for_each->max);
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

/* False: it stopped before the end. */
static bool write_items(const struct explain_setup *setup, const struct batch *batch,
                        struct buffer *out, uint64_t *charged)
{
    struct buffer line;
    struct buffer depends;
    uint32_t *levels = find_levels(batch);
    bool is_fine = levels != NULL;
    buffer_init(&line, LINE_MAX);
    buffer_init(&depends, LINE_MAX);
    for (size_t i = 0; is_fine && i < batch->count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        buffer_clear(&depends);
        put_depends(&depends, batch, i, levels[i]);
        explain_item(out, &line, setup, &batch->items[i], buffer_slice(&depends));
        is_fine = !out->failed && !depends.failed && charge(setup, out, charged);
    }
    buffer_append_text(out, "]}");
    buffer_done(&line);
    buffer_done(&depends);
    free(levels);
    return is_fine;
}

static enum explain_result write_all(const struct explain_setup *setup,
                                     struct batch *batch, struct buffer *out,
                                     uint64_t *charged)
{
    struct plan plan = plan_make(batch, setup->config, 0);
    put_batch(out, setup->config, batch, &plan);
    bool is_fine = write_items(setup, batch, out, charged);
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
