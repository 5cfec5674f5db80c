/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/schedule.h under random operations: before each pick a plain model knows which
 * calls may come next, and after each operation all counts. */
#include "fetch/schedule.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

enum { CALLERS = 3, FLOWS = 12, GATES = 6, CALLS = 400, SEEDS = 24, STEPS = 1500 };

static struct schedule schedule;
static struct caller callers[CALLERS];
static struct flow flows[FLOWS];
static struct gate gates[GATES];
static struct call calls[CALLS];

enum model_state { AWAY, WAITING, RUNNING };

struct model {
    unsigned slots;
    enum model_state state[CALLS];
    int gate[CALLS];
};

static struct model model;

static int count(enum model_state state, int gate, int caller)
{
    int found = 0;
    for (int i = 0; i < CALLS; i++)
        found += model.state[i] == state && (gate < 0 || model.gate[i] == gate) &&
                 (caller < 0 || calls[i].flow->caller == &callers[caller]);
    return found;
}

static bool may_run(int i)
{
    if (model.state[i] != WAITING)
        return false;
    const struct caller *caller = calls[i].flow->caller;
    int number = (int)(caller - callers);
    return count(RUNNING, model.gate[i], -1) < (int)model.slots &&
           (uint64_t)count(RUNNING, -1, number) < caller->in_flight.max;
}

static bool can_any_run(void)
{
    for (int i = 0; i < CALLS; i++) {
        if (may_run(i))
            return true;
    }
    return false;
}

static void random_wait(int i)
{
    model.gate[i] = rand() % GATES;
    model.state[i] = WAITING;
    calls[i].flow = &flows[rand() % FLOWS];
    (rand() % 4 ? schedule_wait : schedule_wait_first)(&schedule, &gates[model.gate[i]],
                                                       &calls[i], 0);
}

static void random_end(int i)
{
    int caller = (int)(calls[i].flow->caller - callers);
    if (model.state[i] == WAITING)
        schedule_leave(&schedule, &calls[i], 0);
    else
        schedule_release(&schedule, &gates[model.gate[i]], &callers[caller], 0);
    model.state[i] = AWAY;
}

static void pick_and_check(void)
{
    bool can = can_any_run();
    struct call *call = schedule_next(&schedule, 0);
    cr_assert_eq(call != NULL, can, "hands one out when, and only when, one may run");
    if (!call)
        return;
    int i = (int)(call - calls);
    cr_assert(may_run(i), "call %d has a slot and a place", i);
    model.state[i] = RUNNING;
}

static void check_counts(void)
{
    cr_assert_eq(schedule.waiting, count(WAITING, -1, -1));
    for (int gate = 0; gate < GATES; gate++) {
        cr_assert_eq(gates[gate].running, count(RUNNING, gate, -1));
        cr_assert_eq(gates[gate].waiting, count(WAITING, gate, -1));
        cr_assert_leq(gates[gate].running + gates[gate].granted, model.slots);
    }
    for (int caller = 0; caller < CALLERS; caller++)
        cr_assert_eq(budget_held(&callers[caller].in_flight), count(RUNNING, -1, caller));
}

static void begin(unsigned seed)
{
    srand(seed);
    model = (struct model){.slots = 1 + seed % 5};
    schedule_init(&schedule, model.slots);
    for (int i = 0; i < CALLERS; i++) {
        uint64_t most = seed % 3 ? (uint64_t)(1 + rand() % 8) : UINT64_MAX;
        callers[i] = (struct caller){.in_flight = {.max = most}};
    }
    for (int i = 0; i < FLOWS; i++)
        flows[i] = (struct flow){.caller = &callers[i % CALLERS]};
    for (int i = 0; i < GATES; i++)
        gate_init(&gates[i]);
    for (int i = 0; i < CALLS; i++)
        calls[i] = (struct call){0};
}

static void random_step(int i)
{
    if (rand() % 3 == 0)
        pick_and_check();
    else if (model.state[i] == AWAY)
        random_wait(i);
    else if (rand() % 2)
        random_end(i);
    check_counts();
}

static void end_running(void)
{
    for (int i = 0; i < CALLS; i++) {
        if (model.state[i] == RUNNING)
            random_end(i);
    }
}

/* With slots and places all come to their turn. */
static void run_out(void)
{
    end_running();
    while (can_any_run()) {
        pick_and_check();
        end_running();
    }
    cr_assert_eq(schedule.waiting, 0);
    cr_assert_not(schedule_has_next(&schedule));
    cr_assert_not(schedule_has_blocked(&schedule));
    cr_assert_eq(schedule.pairs.count, 0);
    cr_assert_eq(schedule.claims.count, 0);
    for (int i = 0; i < GATES; i++)
        cr_assert_eq(gates[i].granted, 0);
    schedule_done(&schedule);
}

Test(schedule_model, agrees_after_random_operations)
{
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        for (int step = 0; step < STEPS; step++)
            random_step(rand() % (seed % 2 ? 40 : CALLS));
        run_out();
    }
}

Test(schedule_model, drains_whatever_state_it_is_in)
{
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        for (int step = 0; step < STEPS / 5; step++)
            random_step(rand() % CALLS);
        int waiting = (int)schedule.waiting;
        for (; schedule_drain(&schedule); waiting--)
            ;
        cr_assert_eq(waiting, 0);
        for (int i = 0; i < CALLS; i++)
            model.state[i] = model.state[i] == WAITING ? AWAY : model.state[i];
        run_out();
    }
}
