/* SPDX-License-Identifier: Apache-2.0 */
/* A schedule with callers, flows, gates and calls of its own, and what must be true when
 * a test is over. Included by one test file per program. */
#pragma once

#include "fetch/schedule.h"

#include <criterion/criterion.h>

enum { CALLERS = 3, FLOWS = 12, GATES = 6, CALLS = 400 };

static struct schedule schedule;
static struct caller callers[CALLERS];
static struct flow flows[FLOWS];
static struct gate gates[GATES];
static struct call calls[CALLS];
static int call_count;

static void setup(void)
{
    for (int i = 0; i < CALLERS; i++)
        callers[i] = (struct caller){.in_flight = {.max = UINT64_MAX}};
    for (int i = 0; i < FLOWS; i++)
        flows[i] = (struct flow){.caller = &callers[0]};
    for (int i = 0; i < GATES; i++)
        gate_init(&gates[i]);
    for (int i = 0; i < CALLS; i++)
        calls[i] = (struct call){0};
    call_count = 0;
}

/* Everything that was left waiting is drained, and then nothing is held. */
static void teardown(void)
{
    size_t waiting = schedule.waiting;
    struct call *call;
    for (; (call = schedule_drain(&schedule)) != NULL; waiting--)
        cr_expect_null(call->pair);
    cr_expect_eq(waiting, 0);
    cr_expect_not(schedule_has_next(&schedule));
    cr_expect_not(schedule_has_blocked(&schedule));
    cr_expect_eq(schedule.pairs.count, 0);
    cr_expect_eq(schedule.claims.count, 0);
    for (int i = 0; i < GATES; i++) {
        cr_expect_eq(gates[i].waiting, 0);
        cr_expect_eq(gates[i].granted, 0);
        cr_expect(list_is_empty(&gates[i].claims));
    }
    for (int i = 0; i < FLOWS; i++)
        cr_expect_null(flows[i].turn);
    schedule_done(&schedule);
}

/* What the tests say, in short; each is used by some of the files only. */

static inline struct call *wait_at(int flow, int gate)
{
    struct call *call = &calls[call_count++];
    call->flow = &flows[flow];
    schedule_wait(&schedule, &gates[gate], call, 0);
    return call;
}

static inline void wait_many(int flow, int gate, int count)
{
    for (int i = 0; i < count; i++)
        wait_at(flow, gate);
}

static inline struct call *next(void)
{
    return schedule_next(&schedule, 0);
}

/* The number of the next call's flow; -1: none. */
static inline int next_flow(void)
{
    struct call *call = next();
    return call ? (int)(call->flow - flows) : -1;
}

static inline void expect_flows(const char *expected)
{
    for (const char *at = expected; *at; at++)
        cr_assert_eq(next_flow(), *at - '0', "the %d. of %s", (int)(at - expected) + 1,
                     expected);
}
