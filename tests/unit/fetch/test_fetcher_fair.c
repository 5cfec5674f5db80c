/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/fetcher.h among several batches and callers: who waits for whom, and what is told
 * of it. */
#include "fetch_rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <time.h>

static struct rig *rig;

static void use(const char *override)
{
    const char *const overrides[] = {override, NULL};
    rig = rig_new(false, overrides);
}

static void teardown(void)
{
    rig_free(rig);
}

TestSuite(fetcher_fair, .fini = teardown);

static void start_as(struct flow *flow, const char *path)
{
    struct rig_call *call = rig_call(rig, path);
    call->call.flow = flow;
    fetcher_start(rig->fetcher, &call->call);
}

Test(fetcher_fair, a_caller_has_only_so_many_calls_in_flight)
{
    use(NULL);
    struct caller other = *rig->flow.caller;
    struct flow others = {.caller = &other, .terms = rig->flow.terms};
    other.in_flight.max = 2;
    for (int i = 0; i < 20; i++)
        start_as(&others, "/delay/10");
    rig_run(rig, 20);
    cr_assert_leq(atomic_load(&rig->server.peak), 2);
    cr_assert_eq(budget_held(&other.in_flight), 0);
}

Test(fetcher_fair, a_caller_whose_calls_run_elsewhere_is_tried_again_and_does_not_spin)
{
    use(NULL);
    struct caller other = *rig->flow.caller;
    struct flow others = {.caller = &other, .terms = rig->flow.terms};
    other.in_flight.max = 1;
    budget_force(&other.in_flight, 1);
    start_as(&others, "/ok");
    clock_t cpu = clock();
    rig_run_ms(rig, 100);
    cr_assert_lt(clock() - cpu, CLOCKS_PER_SEC / 20);
    cr_assert_eq(rig->done, 0);
    cr_assert_eq(rig_fetch(rig, "/ok")->code, CALL_OK, "others go on meanwhile");
    budget_give(&other.in_flight, 1);
    rig_run(rig, 2);
    cr_assert_eq(budget_held(&other.in_flight), 0);
}

Test(fetcher_fair, a_batch_of_one_does_not_wait_behind_a_batch_of_a_hundred)
{
    use("fetch.per_origin=1");
    struct flow small = {.caller = rig->flow.caller, .terms = rig->flow.terms};
    for (int i = 0; i < 100; i++)
        rig_start(rig, "/delay/1");
    start_as(&small, "/ok");
    while (rig->calls[100].times_done == 0)
        rig_run_ms(rig, 1);
    cr_assert_leq(rig->done, 10);
    rig_run(rig, 101);
}

Test(fetcher_fair, what_the_worker_makes_a_batch_wait_is_told_and_an_origin_is_not)
{
    use("fetch.per_origin=1");
    struct flow small = {.caller = rig->flow.caller, .terms = rig->flow.terms};
    rig_start(rig, "/delay/300");
    rig_start(rig, "/ok");
    rig_run_ms(rig, 100);
    cr_assert_eq(fetcher_delay(rig->fetcher).oldest_us, 0,
                 "waiting for the origin's slot");
    rig->budgets.in_flight.max = 0; /* nothing may start any more */
    start_as(&small, "http://127.0.0.2:1999/");
    rig_run_ms(rig, 60);
    cr_expect_gt(fetcher_delay(rig->fetcher).oldest_us, 20000);
    rig->budgets.in_flight.max = 100;
    rig_run(rig, 3);
    cr_expect_eq(fetcher_delay(rig->fetcher).oldest_us, 0);
}
