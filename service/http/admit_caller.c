/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of a caller, turned into refusals. Items in flight are not its business: the
 * scheduler makes those wait. Called by handle_batch.c. */
#include "http/admit_caller.h"

#include "base/loop.h"
#include "base/rate.h"
#include "http/problem.h"

#include <inttypes.h>
#include <stdio.h>

static void count(const struct exchange *exchange, enum caller_limit limit)
{
    struct metrics_shard *metrics = exchange_setup(exchange)->metrics;
    metrics_add(metrics, METRIC_BATCHES, BATCH_REFUSED, 1);
    metrics_add(metrics, METRIC_CALLER_REFUSED, limit, 1);
}

static bool refuse_rate(struct exchange *exchange, uint64_t wait_ns)
{
    count(exchange, CALLER_LIMIT_RATE);
    problem_reply_later(exchange, PROBLEM_RATE_LIMITED,
                        "over the key's items_per_second (auth.limits); nothing was sent",
                        (unsigned)rate_wait_s(wait_ns));
    return false;
}

/* The time of this turn: a few milliseconds late at most, and no call of the clock. */
static uint64_t now_us(const struct exchange *exchange)
{
    return exchange_setup(exchange)->loop->now_us;
}

bool admit_caller_early(struct exchange *exchange)
{
    uint64_t wait_ns;
    const struct caller *caller = exchange_caller(exchange);
    return rate_has_one(&caller->items, now_us(exchange), &wait_ns) ||
           refuse_rate(exchange, wait_ns);
}

bool admit_caller_items(struct exchange *exchange, size_t items)
{
    uint64_t wait_ns;
    struct caller *caller = exchange_caller(exchange);
    return rate_take(&caller->items, now_us(exchange), items, &wait_ns) ||
           refuse_rate(exchange, wait_ns);
}

void admit_caller_refuse_size(struct exchange *exchange,
                              const struct parse_errors *errors)
{
    char detail[128];
    uint64_t most = exchange_config(exchange)->batch.max_items;
    uint64_t own = exchange_terms(exchange)->max_items;
    bool is_own = own < most;
    snprintf(detail, sizeof detail, "more than %" PRIu64 " items (%s); split the batch",
             is_own ? own : most,
             is_own ? "the key's limit in auth.limits" : "batch.max_items");
    count(exchange, CALLER_LIMIT_ITEMS);
    problem_reply(exchange, PROBLEM_TOO_MANY_ITEMS, detail, errors);
}
