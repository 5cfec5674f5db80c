/* SPDX-License-Identifier: Apache-2.0 */
/* How a batch is refused: counted, and answered with the problem that fits. Decides
 * nothing. Called by handle_batch.c and batch_read.c. */
#include "http/batch_refusal.h"

#include "http/admit_caller.h"

#include <stdio.h>

void batch_refuse(struct exchange *exchange, enum problem_type type, const char *detail,
                  const struct parse_errors *errors)
{
    metrics_add(exchange_setup(exchange)->metrics, METRIC_BATCHES, BATCH_REFUSED, 1);
    problem_reply(exchange, type, detail, errors);
}

/* Refused for its size or for want of memory, not for what is in it. */
static bool refuse_size(struct exchange *exchange, const struct parse_errors *errors)
{
    switch (errors->refusal) {
    case PARSE_TOO_MANY:
        admit_caller_refuse_size(exchange, errors);
        return true;
    case PARSE_TOO_LARGE:
        batch_refuse(
            exchange, PROBLEM_TOO_LARGE,
            "the document is too large for memory.request_budget; split the batch",
            errors);
        return true;
    case PARSE_NO_MEMORY:
        batch_refuse(exchange, PROBLEM_OVERLOADED, exchange_no_room_detail, NULL);
        return true;
    case PARSE_INVALID:
        break;
    }
    return false;
}

void batch_refuse_shape(struct exchange *exchange, const struct parse_errors *errors)
{
    char detail[128];
    if (refuse_size(exchange, errors))
        return;
    if (errors->total > errors->count)
        snprintf(detail, sizeof detail,
                 "%zu faults, the first %zu are listed; nothing was sent", errors->total,
                 errors->count);
    else if (errors->total == 1)
        snprintf(detail, sizeof detail, "1 field is wrong; nothing was sent");
    else
        snprintf(detail, sizeof detail, "%zu fields are wrong; nothing was sent",
                 errors->total);
    batch_refuse(exchange, PROBLEM_INVALID_BATCH, detail, errors);
}
