/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of spans after an attempt to export them: OTLP 1.5, "OTLP/HTTP response".
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    EXPORT_TRIES_MAX = 5,
    EXPORT_WAIT_FIRST_MS = 1000,
    EXPORT_WAIT_MAX_MS = 60 * 1000,
};

enum export_action {
    EXPORT_TAKEN,
    EXPORT_AGAIN,    /* the same once more, after wait_ms */
    EXPORT_REJECTED, /* it would be refused again */
    EXPORT_GIVEN_UP, /* tried often enough; the next one no sooner than after wait_ms */
};

struct export_facts {
    int status;             /* 0: there was no reply */
    bool has_wait;          /* the reply said when to come again … */
    uint64_t asked_wait_ms; /* … */
    unsigned tries;         /* of these spans, this one included */
    unsigned failures;      /* in a row, of whatever spans, this one included */
};

struct export_verdict {
    enum export_action action;
    uint64_t wait_ms;
};

/* export_judge: without a reply, and after 429, 502, 503 and 504, it is tried again:
 * after what the reply asks for, EXPORT_WAIT_MAX_MS at most, else after waits that double
 * with each failure, of which `random` takes up to a half. */
struct export_verdict export_judge(const struct export_facts *facts, uint64_t random);
