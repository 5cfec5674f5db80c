/* SPDX-License-Identifier: Apache-2.0 */
/* What may follow on an attempt's outcome: the same again, another place, or nothing. How
 * long to wait before. Pure: the time and the randomness are parameters.
 *
 *                          the same again                 another URL
 *     connect, dns,        idempotent methods, or with    any method: no byte was sent
 *       timeout_connect      an idempotency key
 *     reset, empty_reply,  likewise                       idempotent methods, or with
 *       maybe_sent                                          an idempotency key
 *     429 502 503 504      likewise                       likewise
 *     other errors         no: time-outs and refusals     likewise, or any method where
 *                            come again, or add load        nothing was sent
 *     500 501 505 …        no                             likewise
 */
#pragma once

#include "base/slice.h"
#include "fetch/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Envoy's defaults of retry_back_off (config.route.v3.RetryPolicy): base_interval 25 ms,
 * max_interval ten times that. A client waits for us, so they are shorter than those of
 * clients' own libraries. */
enum { RETRY_BASE_MS = 25, RETRY_LONGEST_MS = 250 };

/* What is known of an attempt that ended. */
struct retry_facts {
    enum call_code code;
    int status; /* the upstream's; 0: none */
    enum call_method method;
    bool was_redirected; /* so a request was sent, whatever the code says */
    bool has_key;        /* an idempotency key is sent */
    bool has_expect;     /* the item says itself which replies are good */
};

/* retry_is_failure: the attempt did not bring what was asked for: an error, or, where the
 * item expects nothing of its own, a status of 429 or 5xx. */
bool retry_is_failure(const struct retry_facts *facts);
/* retry_may_repeat: the same request may be sent to the same URL again. */
bool retry_may_repeat(const struct retry_facts *facts);
/* retry_may_divert: the request may be sent to another URL. */
bool retry_may_divert(const struct retry_facts *facts);

/* retry_backoff_ms: the wait before the `tried`-th repetition (from 1): "full jitter",
 * anything from 0 up to what doubles each time (AWS Architecture Blog, Exponential
 * Backoff And Jitter, 2015). `random` is any number. */
uint64_t retry_backoff_ms(unsigned tried, uint64_t random);

/* retry_wait_ms is what to wait in all: the backoff, behind what the reply's Retry-After
 * asks for if it has a sound one, so that those who were told the same time do not come
 * at once. `now_s`: the wall clock. A wait of over `max_ms` is told as more than that. */
uint64_t retry_wait_ms(const struct outcome *outcome, uint64_t backoff_ms, int64_t now_s,
                       uint64_t max_ms);
