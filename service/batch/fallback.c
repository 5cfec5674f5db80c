/* SPDX-License-Identifier: Apache-2.0 */
/* An outcome made of an item's fallback. Called by gather_finish. */
#include "batch/fallback.h"

#include "fetch/retry.h"

#include <stdio.h>

bool fallback_applies(const struct item_options *options, const struct outcome *outcome)
{
    if (!options || !options->fallback || outcome->code == CALL_CANCELLED)
        return false;
    const struct retry_facts facts = {
        .code = outcome->code,
        .status = outcome->status,
        .method = outcome->method,
        .has_expect = options->expect != NULL,
    };
    return retry_is_failure(&facts);
}

static void note(struct attempt_record *record, const struct outcome *outcome)
{
    *record = (struct attempt_record){
        .code = outcome->code,
        .status = outcome->status,
        .total_ms = outcome->timing.total,
    };
    if (outcome->timing.remote_address)
        snprintf(record->remote_address, sizeof record->remote_address, "%s",
                 outcome->timing.remote_address);
}

struct outcome fallback_outcome(const struct fallback *fallback,
                                const struct outcome *outcome, struct attempt_record *one)
{
    struct outcome made = *outcome;
    if (!made.attempts) {
        note(one, outcome);
        made.attempts = one;
        made.attempt_count = 1;
    }
    made.code = CALL_OK;
    made.status = fallback->status;
    made.message = NULL;
    made.headers = fallback->headers;
    made.header_count = fallback->header_count;
    made.content_type = fallback->content_type;
    made.body = fallback->body;
    made.has_body = fallback->body.len > 0;
    made.is_fallback = true;
    made.is_coalesced = false;
    return made;
}
