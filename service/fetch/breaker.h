/* SPDX-License-Identifier: Apache-2.0 */
/* One circuit breaker (Nygard, "Release It!"): counts how the calls to an origin end and,
 * when too many fail, keeps further ones back for a while. Pure: the time and the chance
 * are parameters.
 *
 *     CLOSED ──too many failures──► OPEN ──its time is over──► HALF_OPEN
 *        ▲                           ▲                            │  │
 *        │                           └───────a probe fails────────┘  │
 *        └──────────────`probes` of them in a row succeed────────────┘
 *
 * "Too many" are `consecutive_failures` in a row, or `failure_ratio` percent of the last
 * `window_ms` if those were `min_requests` at least; either alone is enough, and it is a
 * failure that opens, never a success. OPEN lasts `open_ms`, twice as long each time a
 * probe fails or it opens again within `window_ms`, up to `open_max_ms`; and up to a
 * quarter longer by chance, so that not all gateways probe in the same moment. It is
 * never shorter than said. HALF_OPEN lets `probes` calls run at once. */
#pragma once

#include "base/attributes.h"
#include "fetch/call_code.h"

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_BUCKETS = 8 };

struct breaker_rules {
    uint64_t consecutive_failures; /* 0: not looked at */
    uint64_t failure_ratio;        /* percent; 0: not looked at */
    uint64_t window_ms;
    uint64_t min_requests;
    uint64_t open_ms;
    uint64_t open_max_ms;
    uint64_t probes; /* at least 1 */
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker_bucket {
    uint32_t requests, failures;
};

/* Zeros: closed, nothing counted. `era` is the number of changes of state plus whatever
 * it began with: a call let through in one era says nothing in a later one. */
struct breaker {
    uint64_t era;
    enum breaker_state state;
    uint32_t failures_in_row;
    uint32_t opened_in_row;
    uint32_t probes_running;
    uint32_t probes_ok;
    uint64_t since_ms; /* of the state */
    uint64_t until_ms; /* OPEN: then the first probe may go */
    uint64_t newest;   /* number of the bucket written last */
    struct breaker_bucket buckets[BREAKER_BUCKETS]; /* a ring, by number */
};

enum breaker_answer {
    BREAKER_PASS,
    BREAKER_WAIT,    /* open */
    BREAKER_PROBING, /* half-open, and its probes are under way */
};

/* breaker_ask: would a call be let through now? `ret_wait_ms` is how long BREAKER_WAIT
 * lasts. */
enum breaker_answer breaker_ask(const struct breaker *breaker,
                                const struct breaker_rules *rules, uint64_t now_ms,
                                uint64_t *ret_wait_ms);

/* breaker_enter lets a call through or not. Each BREAKER_PASS must be followed by one
 * breaker_leave with the `ret_era` it gave, whatever becomes of the call. */
enum breaker_answer breaker_enter(struct breaker *breaker,
                                  const struct breaker_rules *rules, uint64_t now_ms,
                                  uint64_t *ret_wait_ms, uint64_t *ret_era);

enum breaker_verdict {
    BREAKER_NOTHING, /* the call says nothing about the origin: a probe's place is free */
    BREAKER_SUCCESS,
    BREAKER_FAILURE,
};

/* breaker_leave takes what a call has shown. True: that opened it. */
bool breaker_leave(struct breaker *breaker, const struct breaker_rules *rules,
                   uint64_t era, enum breaker_verdict verdict, uint64_t now_ms,
                   uint64_t chance) MUST_CHECK;

/* breaker_is_clean: closed, and nothing that would be missed if it were forgotten. */
bool breaker_is_clean(const struct breaker *breaker, const struct breaker_rules *rules,
                      uint64_t now_ms);

/* breaker_is_stale: its open time has been over for so long, longer than the longest one,
 * that nobody seems to ask for the origin any more. */
bool breaker_is_stale(const struct breaker *breaker, const struct breaker_rules *rules,
                      uint64_t now_ms);

/* breaker_judge: what an ended call shows of its origin. A failure is what an origin does
 * that is down or overloaded: refused, reset, silent, unintelligible, or a gateway's 502,
 * 503 or 504 in front of it. Any other reply is a success, also 500 and all of 4xx (it
 * answers; what it says is between it and the caller), also one that is over a cap or
 * cannot be decoded. What never reached the origin, was cancelled, or ran out of a clock
 * of its caller's (`is_own_clock` false: an item's timeoutMs, the batch's deadline) shows
 * nothing: else whoever may name an origin could have it shut by not waiting for it. */
enum breaker_verdict breaker_judge(enum call_code code, int status, bool is_own_clock);
