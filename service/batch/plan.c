/* SPDX-License-Identifier: Apache-2.0 */
/* What the client wishes against what the server allows, settled once per batch. Refuses
 * nothing: a wish beyond a limit gets the limit. Pure; called by gather_start. */
#include "batch/plan.h"

/* `wish` (0: none) lowers `limit`, never raises it. */
static uint64_t at_most(uint64_t wish, uint64_t limit)
{
    return wish > 0 && wish < limit ? wish : limit;
}

static uint32_t to_u32(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

/* The smaller of two limits of which 0 means none. */
static uint32_t smaller_limit(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return to_u32(a + b);
    return to_u32(a < b ? a : b);
}

static bool coalesces(const struct batch *batch, const struct item *item)
{
    if (item->options && item->options->signing)
        return false; /* each has a signature of its own */
    if (item->options && item->options->coalesces != OPTION_NOT_GIVEN)
        return item->options->coalesces != 0;
    return batch->coalesces;
}

static void plan_call(struct item *item, const struct config *config,
                      uint64_t deadline_ms)
{
    struct call *call = &item->call;
    call->url = item->url;
    call->method = item->method;
    call->headers = item->headers;
    call->header_count = item->header_count;
    call->has_body = item->has_body;
    call->body = item->body;
    call->timeout_ms = to_u32(at_most(item->timeout_ms, config->fetch.timeout_ms));
    call->connect_timeout_ms =
        to_u32(at_most(item->connect_timeout_ms, config->fetch.connect_timeout_ms));
    uint64_t redirects = item->redirects > 0 ? (uint64_t)item->redirects : 0;
    uint64_t most = config->fetch.max_redirects;
    call->redirects = (unsigned)(redirects < most ? redirects : most);
    call->body_max_bytes = at_most(item->max_body_bytes, config->fetch.body_max_bytes);
    call->deadline_ms = deadline_ms;
}

uint64_t plan_deadline_ms(const struct batch *batch, const struct config *config)
{
    uint64_t wish = batch->deadline_ms ? batch->deadline_ms : config->batch.deadline_ms;
    uint64_t ms = at_most(wish, config->batch.max_deadline_ms);
    return batch->has_time_left && batch->time_left_ms < ms ? batch->time_left_ms : ms;
}

struct plan plan_make(struct batch *batch, const struct config *config, uint64_t now_ms)
{
    struct plan plan = {
        .deadline_ms = now_ms + plan_deadline_ms(batch, config),
        .concurrency = smaller_limit(batch->concurrency, config->batch.concurrency),
    };
    for (size_t i = 0; i < batch->count; i++) {
        struct item *item = &batch->items[i];
        plan_call(item, config, plan.deadline_ms);
        item->call.item_index = (uint32_t)i;
        item->call.coalesces = coalesces(batch, item);
    }
    return plan;
}
