/* SPDX-License-Identifier: Apache-2.0 */
/* The table of retry.h. Called by batch/attempts.c. */
#include "fetch/retry.h"

#include "fetch/retry_after.h"

#include <assert.h>

static bool may_be_sent_twice(const struct retry_facts *facts)
{
    return facts->has_key || call_method_is_idempotent(facts->method);
}

bool retry_is_failure(const struct retry_facts *facts)
{
    if (facts->code != CALL_OK)
        return true;
    return !facts->has_expect && (facts->status == 429 || facts->status >= 500);
}

/* RFC 6585 4 and RFC 9110 15.6.3 to 15.6.5: each may pass by itself. */
static bool is_passing_status(int status)
{
    return status == 429 || (status >= 502 && status <= 504);
}

static bool is_passing(const struct retry_facts *facts)
{
    switch ((int)facts->code) {
    case CALL_OK:
        return !facts->has_expect && is_passing_status(facts->status);
    case CALL_EXPECT_FAILED:
        return is_passing_status(facts->status);
    case CALL_DNS:
    case CALL_CONNECT:
    case CALL_TIMEOUT_CONNECT:
    case CALL_RESET:
    case CALL_EMPTY_REPLY:
    case CALL_MAYBE_SENT:
        return true;
    default:
        return false;
    }
}

bool retry_may_repeat(const struct retry_facts *facts)
{
    return is_passing(facts) && may_be_sent_twice(facts);
}

/* What is refused before its dispatch is not sent either. */
static bool is_unsent(const struct retry_facts *facts)
{
    bool is_refused = facts->code == CALL_BAD_URL || facts->code == CALL_BLOCKED_URL ||
                      facts->code == CALL_BLOCKED_ADDRESS;
    return !facts->was_redirected &&
           (is_refused || call_code_row(facts->code)->is_unsent);
}

bool retry_may_divert(const struct retry_facts *facts)
{
    return retry_is_failure(facts) && (may_be_sent_twice(facts) || is_unsent(facts));
}

uint64_t retry_backoff_ms(unsigned tried, uint64_t random)
{
    assert(tried >= 1);
    uint64_t most = RETRY_LONGEST_MS;
    if (tried < 16 && ((1ULL << tried) - 1) * RETRY_BASE_MS < most)
        most = ((1ULL << tried) - 1) * RETRY_BASE_MS;
    return random % (most + 1);
}

uint64_t retry_wait_ms(const struct outcome *outcome, uint64_t backoff_ms, int64_t now_s,
                       uint64_t max_ms)
{
    uint64_t asked_ms = 0;
    for (size_t i = 0; i < outcome->header_count; i++) {
        if (slice_is(outcome->headers[i].name, "retry-after") &&
            retry_after_parse(outcome->headers[i].value, now_s, max_ms + 1, &asked_ms))
            break;
    }
    return asked_ms + backoff_ms;
}
