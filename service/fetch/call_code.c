/* SPDX-License-Identifier: Apache-2.0 */
/* The table of outcomes: the name a client sees, the HTTP status that stands where the
 * upstream's is missing, and whether sending the item again makes sense. The API's table
 * of item error codes says the same and must be kept equal (test_call_code.c).
 *
 * Retryable are the failures that pass by themselves and happened to a request that was
 * not sent, or whose answer was lost; a wrong URL, a refusal or a reply over its cap
 * stays as it is. maybe_sent is not: only the client knows whether twice does harm. */
#include "fetch/call_code.h"

#include "metrics/metrics.h"

#include <assert.h>
#include <stddef.h>

static_assert((int)ITEM_CODE_COUNT == (int)CALL_CODE_COUNT, "one counter per outcome");

static const struct call_code_row rows[CALL_CODE_COUNT] = {
    [CALL_OK] = {"ok", 200, false, false},
    [CALL_BAD_URL] = {"bad_url", 400, false, false},
    [CALL_BLOCKED_URL] = {"blocked_url", 403, false, false},
    [CALL_BLOCKED_ADDRESS] = {"blocked_address", 403, false, false},
    [CALL_DNS] = {"dns", 502, true, true},
    [CALL_CONNECT] = {"connect", 502, true, true},
    [CALL_TLS] = {"tls", 502, false, false},
    [CALL_RESET] = {"reset", 502, true, false},
    [CALL_EMPTY_REPLY] = {"empty_reply", 502, true, false},
    [CALL_TRUNCATED] = {"truncated", 502, true, false},
    [CALL_BAD_REPLY] = {"bad_reply", 502, false, false},
    [CALL_DECODE] = {"decode", 502, false, false},
    [CALL_HEADERS_TOO_LARGE] = {"headers_too_large", 502, false, false},
    [CALL_TOO_LARGE] = {"too_large", 502, false, false},
    [CALL_MAYBE_SENT] = {"maybe_sent", 502, false, false},
    [CALL_REDIRECT_LIMIT] = {"redirect_limit", 502, false, false},
    [CALL_TIMEOUT_CONNECT] = {"timeout_connect", 504, true, true},
    [CALL_TIMEOUT_FIRST_BYTE] = {"timeout_first_byte", 504, true, false},
    [CALL_TIMEOUT_IDLE] = {"timeout_idle", 504, true, false},
    [CALL_TIMEOUT_TOTAL] = {"timeout_total", 504, true, false},
    [CALL_TIMEOUT_QUEUE] = {"timeout_queue", 503, true, true},
    [CALL_OVERLOADED] = {"overloaded", 503, true, true},
    [CALL_CIRCUIT_OPEN] = {"circuit_open", 503, true, true},
    [CALL_DEADLINE] = {"deadline", 504, true, false},
    [CALL_CANCELLED] = {"cancelled", 499, true, false},
    [CALL_EXPECT_FAILED] = {"expect_failed", 502, false, false},
    [CALL_DEPENDENCY_FAILED] = {"dependency_failed", 424, false, false},
};

const struct call_code_row *call_code_row(enum call_code code)
{
    assert((unsigned)code < CALL_CODE_COUNT && rows[code].name != NULL);
    return &rows[code];
}
