/* SPDX-License-Identifier: Apache-2.0 */
/* Which clock of a call runs out first, and under which name. A total that ends while the
 * call still connects or waits is reported as that phase's timeout: the caller learns
 * where the time went, and the message names the limit that was met. Called by
 * flight_attempt.c. */
#include "fetch/clocks.h"

#include <inttypes.h>
#include <stdio.h>

struct limit {
    uint64_t from_ms;
    uint64_t for_ms;
    enum call_code code;
    bool is_lowered;
};

static enum call_code total_code(enum call_phase phase)
{
    switch (phase) {
    case PHASE_CONNECTING:
        return CALL_TIMEOUT_CONNECT;
    case PHASE_WAITING:
        return CALL_TIMEOUT_FIRST_BYTE;
    default:
        return CALL_TIMEOUT_TOTAL;
    }
}

static struct limit phase_limit(const struct clock_limits *limits,
                                const struct clock_marks *marks, enum call_phase phase)
{
    switch (phase) {
    case PHASE_CONNECTING:
        return (struct limit){marks->hop_ms, limits->connect_ms, CALL_TIMEOUT_CONNECT,
                              limits->is_connect_lowered};
    case PHASE_WAITING:
        return (struct limit){marks->sent_ms, limits->first_byte_ms,
                              CALL_TIMEOUT_FIRST_BYTE, false};
    case PHASE_SENDING:
    case PHASE_RECEIVING:
        return (struct limit){marks->active_ms, limits->idle_ms, CALL_TIMEOUT_IDLE,
                              false};
    default:
        return (struct limit){0, 0, CALL_OK, false};
    }
}

static void apply(struct clock_verdict *verdict, struct limit limit, uint64_t now_ms)
{
    if (limit.for_ms == 0)
        return;
    uint64_t at_ms = limit.from_ms + limit.for_ms;
    if (at_ms >= verdict->next_ms)
        return;
    verdict->next_ms = at_ms;
    verdict->limit_ms = limit.for_ms;
    verdict->code = limit.code;
    verdict->is_lowered = limit.is_lowered;
    verdict->is_out = now_ms >= at_ms;
}

/* A phase entered right after this look must not run out before the next one. */
static void look_in_time(struct clock_verdict *verdict, uint64_t for_ms, uint64_t now_ms)
{
    if (for_ms > 0 && now_ms + for_ms < verdict->next_ms)
        verdict->next_ms = now_ms + for_ms;
}

struct clock_verdict clocks_judge(const struct clock_limits *limits,
                                  const struct clock_marks *marks, enum call_phase phase,
                                  uint64_t now_ms)
{
    struct limit total = {marks->started_ms, limits->total_ms, total_code(phase),
                          limits->is_total_lowered};
    struct clock_verdict verdict = {.next_ms = UINT64_MAX, .code = CALL_OK};
    apply(&verdict, phase_limit(limits, marks, phase), now_ms);
    apply(&verdict, total, now_ms);
    if (verdict.is_out)
        return verdict;
    verdict.code = CALL_OK;
    look_in_time(&verdict, limits->first_byte_ms, now_ms);
    look_in_time(&verdict, limits->idle_ms, now_ms);
    return verdict;
}

void clocks_message(const struct clock_verdict *verdict, char *text, size_t size)
{
    const char *what = "not finished";
    switch (verdict->code) {
    case CALL_TIMEOUT_CONNECT:
        what = "not connected";
        break;
    case CALL_TIMEOUT_FIRST_BYTE:
        what = "no reply";
        break;
    case CALL_TIMEOUT_IDLE:
        what = "no byte moved";
        break;
    default:
        break;
    }
    snprintf(text, size, "%s within %" PRIu64 " ms", what, verdict->limit_ms);
}
