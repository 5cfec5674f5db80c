/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and changing state. The window is a ring of buckets, each an eighth of it:
 * what is counted lasts between seven eighths of the window and the whole. Clocks of
 * several workers may differ by a turn of their loops, so time may seem to go back a
 * little: then the newest bucket is still the one. Called by circuits.c. */
#include "fetch/breaker.h"

#include <stddef.h>

static uint64_t bucket_number(const struct breaker_rules *rules, uint64_t now_ms)
{
    uint64_t width_ms = rules->window_ms / BREAKER_BUCKETS;
    return now_ms / (width_ms ? width_ms : 1);
}

/* The bucket of now; those the time has passed over are emptied. */
static struct breaker_bucket *
bucket_of(struct breaker *breaker, const struct breaker_rules *rules, uint64_t now_ms)
{
    uint64_t number = bucket_number(rules, now_ms);
    if (number > breaker->newest) {
        uint64_t passed = number - breaker->newest;
        for (uint64_t i = 0; i < passed && i < BREAKER_BUCKETS; i++)
            breaker->buckets[(number - i) % BREAKER_BUCKETS] = (struct breaker_bucket){0};
        breaker->newest = number;
    }
    return &breaker->buckets[breaker->newest % BREAKER_BUCKETS];
}

/* The sum over what of the ring is still in the window. */
static struct breaker_bucket count(const struct breaker *breaker,
                                   const struct breaker_rules *rules, uint64_t now_ms)
{
    struct breaker_bucket sum = {0};
    uint64_t number = bucket_number(rules, now_ms);
    for (uint64_t i = 0; i < BREAKER_BUCKETS && i <= breaker->newest; i++) {
        uint64_t at = breaker->newest - i;
        if (at + BREAKER_BUCKETS <= number)
            break;
        sum.requests += breaker->buckets[at % BREAKER_BUCKETS].requests;
        sum.failures += breaker->buckets[at % BREAKER_BUCKETS].failures;
    }
    return sum;
}

/* Nothing counted in one state says anything in the next. */
static void move_to(struct breaker *breaker, enum breaker_state state, uint64_t now_ms)
{
    breaker->era++;
    breaker->state = state;
    breaker->since_ms = now_ms;
    breaker->failures_in_row = 0;
    breaker->probes_running = 0;
    breaker->probes_ok = 0;
    for (size_t i = 0; i < BREAKER_BUCKETS; i++)
        breaker->buckets[i] = (struct breaker_bucket){0};
}

static uint64_t open_ms(const struct breaker *breaker, const struct breaker_rules *rules)
{
    uint64_t most_ms =
        rules->open_max_ms > rules->open_ms ? rules->open_max_ms : rules->open_ms;
    uint64_t ms = rules->open_ms;
    for (uint32_t i = 1; i < breaker->opened_in_row && ms < most_ms; i++)
        ms *= 2;
    return ms < most_ms ? ms : most_ms;
}

static void open(struct breaker *breaker, const struct breaker_rules *rules,
                 uint64_t now_ms, uint64_t chance)
{
    enum { SHIFT_MAX = 63 };
    bool was_sound = breaker->state == BREAKER_CLOSED &&
                     now_ms >= breaker->since_ms + rules->window_ms;
    if (was_sound)
        breaker->opened_in_row = 0;
    if (breaker->opened_in_row < SHIFT_MAX)
        breaker->opened_in_row++;
    move_to(breaker, BREAKER_OPEN, now_ms);
    uint64_t ms = open_ms(breaker, rules);
    breaker->until_ms = now_ms + ms + chance % (ms / 4 + 1);
}

enum breaker_answer breaker_ask(const struct breaker *breaker,
                                const struct breaker_rules *rules, uint64_t now_ms,
                                uint64_t *ret_wait_ms)
{
    bool is_open = breaker->state == BREAKER_OPEN;
    if (is_open && now_ms < breaker->until_ms) {
        *ret_wait_ms = breaker->until_ms - now_ms;
        return BREAKER_WAIT;
    }
    if (breaker->state == BREAKER_HALF_OPEN && breaker->probes_running >= rules->probes)
        return BREAKER_PROBING;
    return BREAKER_PASS;
}

enum breaker_answer breaker_enter(struct breaker *breaker,
                                  const struct breaker_rules *rules, uint64_t now_ms,
                                  uint64_t *ret_wait_ms, uint64_t *ret_era)
{
    enum breaker_answer answer = breaker_ask(breaker, rules, now_ms, ret_wait_ms);
    if (answer != BREAKER_PASS)
        return answer;
    if (breaker->state == BREAKER_OPEN)
        move_to(breaker, BREAKER_HALF_OPEN, now_ms);
    if (breaker->state == BREAKER_HALF_OPEN)
        breaker->probes_running++;
    *ret_era = breaker->era;
    return BREAKER_PASS;
}

static bool is_too_much(const struct breaker *breaker, const struct breaker_rules *rules,
                        uint64_t now_ms)
{
    if (rules->consecutive_failures > 0 &&
        breaker->failures_in_row >= rules->consecutive_failures)
        return true;
    if (rules->failure_ratio == 0)
        return false;
    struct breaker_bucket sum = count(breaker, rules, now_ms);
    return sum.requests >= rules->min_requests &&
           (uint64_t)sum.failures * 100 >= (uint64_t)sum.requests * rules->failure_ratio;
}

static bool leave_closed(struct breaker *breaker, const struct breaker_rules *rules,
                         bool has_failed, uint64_t now_ms)
{
    struct breaker_bucket *bucket = bucket_of(breaker, rules, now_ms);
    bucket->requests++;
    if (!has_failed) {
        breaker->failures_in_row = 0;
        return false;
    }
    bucket->failures++;
    breaker->failures_in_row++;
    return is_too_much(breaker, rules, now_ms);
}

static bool leave_half_open(struct breaker *breaker, const struct breaker_rules *rules,
                            enum breaker_verdict verdict, uint64_t now_ms)
{
    breaker->probes_running--;
    if (verdict == BREAKER_FAILURE)
        return true;
    if (verdict == BREAKER_SUCCESS && ++breaker->probes_ok >= rules->probes)
        move_to(breaker, BREAKER_CLOSED, now_ms);
    return false;
}

bool breaker_leave(struct breaker *breaker, const struct breaker_rules *rules,
                   uint64_t era, enum breaker_verdict verdict, uint64_t now_ms,
                   uint64_t chance)
{
    bool opens = false;
    if (era != breaker->era)
        return false;
    if (breaker->state == BREAKER_HALF_OPEN)
        opens = leave_half_open(breaker, rules, verdict, now_ms);
    else if (verdict != BREAKER_NOTHING)
        opens = leave_closed(breaker, rules, verdict == BREAKER_FAILURE, now_ms);
    if (opens)
        open(breaker, rules, now_ms, chance);
    return opens;
}

bool breaker_is_clean(const struct breaker *breaker, const struct breaker_rules *rules,
                      uint64_t now_ms)
{
    return breaker->state == BREAKER_CLOSED && breaker->failures_in_row == 0 &&
           count(breaker, rules, now_ms).failures == 0;
}

bool breaker_is_stale(const struct breaker *breaker, const struct breaker_rules *rules,
                      uint64_t now_ms)
{
    uint64_t over_ms = breaker->state == BREAKER_OPEN ? breaker->until_ms
                       : breaker->probes_running > 0  ? UINT64_MAX
                                                      : breaker->since_ms;
    uint64_t longest_ms =
        rules->open_max_ms > rules->open_ms ? rules->open_max_ms : rules->open_ms;
    return breaker->state != BREAKER_CLOSED && now_ms > over_ms &&
           now_ms - over_ms > longest_ms;
}

/* What each code shows; of those not named: nothing. */
enum breaker_verdict breaker_judge(enum call_code code, int status, bool is_own_clock)
{
    switch (code) {
    case CALL_OK:
        return status == 502 || status == 503 || status == 504 ? BREAKER_FAILURE
                                                               : BREAKER_SUCCESS;
    case CALL_DECODE:
    case CALL_HEADERS_TOO_LARGE:
    case CALL_TOO_LARGE:
    case CALL_REDIRECT_LIMIT:
        return BREAKER_SUCCESS;
    case CALL_CONNECT:
    case CALL_TLS:
    case CALL_RESET:
    case CALL_EMPTY_REPLY:
    case CALL_TRUNCATED:
    case CALL_BAD_REPLY:
    case CALL_MAYBE_SENT:
        return BREAKER_FAILURE;
    case CALL_TIMEOUT_CONNECT:
    case CALL_TIMEOUT_FIRST_BYTE:
    case CALL_TIMEOUT_IDLE:
    case CALL_TIMEOUT_TOTAL:
        return is_own_clock ? BREAKER_FAILURE : BREAKER_NOTHING;
    default:
        return BREAKER_NOTHING;
    }
}
