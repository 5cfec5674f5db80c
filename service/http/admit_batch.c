/* SPDX-License-Identifier: Apache-2.0 */
/* What has nothing to do with what is in the batch: it comes before the body is parsed,
 * for refusing must be cheap. Called by the handlers of batches. */
#include "http/admit_batch.h"

#include "base/memory.h"
#include "http/admit_caller.h"
#include "http/batch_refusal.h"
#include "http/time_left.h"

#include <stdio.h>

bool admit_batch_time(struct exchange *exchange, bool *ret_is_given, uint64_t *ret_ms)
{
    const char *name = exchange_config(exchange)->fetch.deadline_header;
    char detail[192];
    struct slice text;
    *ret_is_given = false;
    if (!name || !*name)
        return true;
    size_t count = exchange_headers(exchange, name, &text);
    *ret_is_given = count > 0;
    if (count == 0 || (count == 1 && time_left_parse(text, ret_ms)))
        return true;
    snprintf(detail, sizeof detail,
             count > 1 ? "the header %s came more than once"
                       : "the header %s must be a whole number of milliseconds",
             name);
    batch_refuse(exchange, PROBLEM_INVALID_BATCH, detail, NULL);
    return false;
}

bool admit_batch(struct exchange *exchange)
{
    const struct front_setup *setup = exchange_setup(exchange);
    if (atomic_load_explicit(&setup->state->is_draining, memory_order_relaxed)) {
        batch_refuse(exchange, PROBLEM_DRAINING, "this instance is shutting down", NULL);
        return false;
    }
    if (budget_is_nearly_full(&setup->budgets->reply_bytes)) {
        batch_refuse(exchange, PROBLEM_OVERLOADED,
                     "the replies held fill memory.reply_budget; retry a little later",
                     NULL);
        return false;
    }
    if (!admission_is_open(setup->admission)) {
        batch_refuse(exchange, PROBLEM_OVERLOADED, exchange_overload_detail, NULL);
        return false;
    }
    if (!memory_keep_reserve()) {
        batch_refuse(exchange, PROBLEM_OVERLOADED,
                     "the process is out of memory; retry a little later", NULL);
        return false;
    }
    bool is_given;
    uint64_t time_left_ms;
    return admit_batch_time(exchange, &is_given, &time_left_ms) &&
           admit_caller_early(exchange);
}
