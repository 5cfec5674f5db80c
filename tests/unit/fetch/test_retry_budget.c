/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/retry_budget.h: the share, the floor, the window, and threads. */
#include "fetch/retry_budget.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

#define NOW_MS 123456789ULL

static struct retry_budget budget;

static void make_budget(void)
{
    retry_budget_init(&budget, 20);
}

TestSuite(retry_budget, .init = make_budget);

/* Takes as long as it gets, without giving back. */
static uint64_t take_all(uint64_t now_ms)
{
    uint64_t taken = 0;
    while (taken < 1000000 && retry_budget_take(&budget, now_ms))
        taken++;
    return taken;
}

/* The same, each ended before the next is asked for. */
static uint64_t take_in_turn(uint64_t now_ms)
{
    uint64_t taken = 0;
    while (taken < 1000000 && retry_budget_take(&budget, now_ms)) {
        retry_budget_give(&budget);
        taken++;
    }
    return taken;
}

Test(retry_budget, a_fifth_of_the_requests_may_be_tried_again)
{
    retry_budget_count(&budget, NOW_MS, 1000);
    cr_expect_eq(take_all(NOW_MS), 200);
    retry_budget_count(&budget, NOW_MS, 4);
    cr_expect_eq(take_all(NOW_MS), 0);
    retry_budget_count(&budget, NOW_MS, 1);
    cr_expect_eq(take_all(NOW_MS), 1);
}

Test(retry_budget, three_at_once_are_allowed_without_any_traffic)
{
    cr_expect_eq(take_all(NOW_MS), 3);
    retry_budget_give(&budget);
    cr_expect_eq(take_all(NOW_MS), 1);
}

Test(retry_budget, the_floor_is_ten_a_second_over_the_window)
{
    cr_expect_eq(take_in_turn(NOW_MS), 100);
    cr_expect_eq(take_in_turn(NOW_MS + 5000), 0);
    cr_expect_eq(take_in_turn(NOW_MS + 10000), 100);
}

Test(retry_budget, the_floor_is_no_addition_to_the_share)
{
    retry_budget_count(&budget, NOW_MS, 1000);
    cr_expect_eq(take_in_turn(NOW_MS), 200);
}

Test(retry_budget, no_percent_is_no_attempt_at_all)
{
    retry_budget_init(&budget, 0);
    retry_budget_count(&budget, NOW_MS, 1000);
    cr_expect_eq(take_all(NOW_MS), 0);
}

Test(retry_budget, all_of_them_with_a_hundred_percent)
{
    retry_budget_init(&budget, 100);
    retry_budget_count(&budget, NOW_MS, 1000);
    cr_expect_eq(take_all(NOW_MS), 1000);
}

Test(retry_budget, the_window_slides_by_the_second)
{
    for (uint64_t second = 0; second < 10; second++)
        retry_budget_count(&budget, NOW_MS + second * 1000, 1000);
    cr_expect_eq(take_all(NOW_MS + 9000), 2000);
    /* The first second leaves it with 1000 requests; what was taken is of the tenth. */
    cr_expect_eq(take_all(NOW_MS + 10000), 0);
    retry_budget_count(&budget, NOW_MS + 10000, 1500);
    cr_expect_eq(take_all(NOW_MS + 10000), 100);
    cr_expect_eq(take_all(NOW_MS + 30000), 0, "2100 are still at work");
}

Test(retry_budget, what_is_older_than_the_window_counts_no_more)
{
    retry_budget_count(&budget, NOW_MS, 1000);
    cr_expect_eq(take_all(NOW_MS + 9999 - NOW_MS % 1000), 200);
    retry_budget_init(&budget, 20);
    retry_budget_count(&budget, NOW_MS, 1000);
    cr_expect_eq(take_all(NOW_MS + 10000), 3);
}

Test(retry_budget, it_works_from_the_first_second_of_the_clock)
{
    retry_budget_count(&budget, 0, 100);
    cr_expect_eq(take_all(0), 20);
}

Test(retry_budget, counters_stop_at_their_ends)
{
    retry_budget_init(&budget, 100);
    retry_budget_count(&budget, NOW_MS, UINT64_MAX);
    retry_budget_count(&budget, NOW_MS, UINT64_MAX);
    cr_expect_eq(take_all(NOW_MS), 1000000);
    cr_expect_eq(take_all(NOW_MS), (1 << 20) - 1 - 1000000);
    cr_expect(retry_budget_take(&budget, NOW_MS + 1000));
}

Test(retry_budget, the_decision_is_exact_at_its_borders)
{
    struct retry_load load = {.requests = 1000, .extra = 199, .at_work = 99};
    cr_expect(retry_budget_allows(&load, 20));
    load.extra = 200;
    cr_expect_not(retry_budget_allows(&load, 20));
    load.at_work = 2;
    cr_expect_not(retry_budget_allows(&load, 20), "200 in ten seconds is over the floor");
    load = (struct retry_load){.extra = 99, .at_work = 2};
    cr_expect(retry_budget_allows(&load, 20));
    cr_expect_not(retry_budget_allows(&load, 0));
    load.extra = 100;
    cr_expect_not(retry_budget_allows(&load, 20));
    load = (struct retry_load){.at_work = 3};
    cr_expect_not(retry_budget_allows(&load, 20));
}

static void *use_it(void *taken)
{
    uint64_t *count = taken;
    for (int i = 0; i < 1000; i++) {
        retry_budget_count(&budget, NOW_MS, 10);
        *count += retry_budget_take(&budget, NOW_MS);
    }
    return NULL;
}

Test(retry_budget, threads_together_take_no_more_than_the_share)
{
    pthread_t threads[4];
    uint64_t taken[4] = {0};
    retry_budget_init(&budget, 5);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, use_it, &taken[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    /* The floor's three, at work for good, came first. */
    cr_expect_leq(taken[0] + taken[1] + taken[2] + taken[3] + take_all(NOW_MS), 2003);
    cr_expect_geq(budget.at_work, 2000);
}
