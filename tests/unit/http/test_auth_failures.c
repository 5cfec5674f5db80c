/* SPDX-License-Identifier: Apache-2.0 */
/* O7: wrong keys are counted per address; time is a parameter. */
#include "http/auth_failures.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { LIMIT = 5, NOW = 1000000 };

static struct auth_failures *failures;

static const struct address_key somebody = {.network = 1};
static const struct address_key other = {.network = 2};

static void start(void)
{
    failures = calloc(1, sizeof *failures);
    failures->secret = 99;
}

static void stop(void)
{
    free(failures);
}

static unsigned wait_s(const struct address_key *key, uint64_t now_ms)
{
    return auth_failures_wait_s(failures, key, LIMIT, now_ms);
}

static void fail(const struct address_key *key, int times, uint64_t now_ms)
{
    for (int i = 0; i < times; i++)
        auth_failures_add(failures, key, now_ms);
}

TestSuite(auth_failures, .init = start, .fini = stop);

Test(auth_failures, o7_so_many_wrong_keys_hold_an_address_back)
{
    cr_expect_eq(wait_s(&somebody, NOW), 0);
    fail(&somebody, LIMIT - 1, NOW);
    cr_expect_eq(wait_s(&somebody, NOW), 0);
    fail(&somebody, 1, NOW);
    cr_expect_eq(wait_s(&somebody, NOW), 60);
    cr_expect_eq(wait_s(&other, NOW), 0, "nobody else");
}

Test(auth_failures, o7_the_wait_ends_with_the_minute)
{
    fail(&somebody, LIMIT, NOW);
    cr_expect_eq(wait_s(&somebody, NOW + 1), 60);
    cr_expect_eq(wait_s(&somebody, NOW + 1000), 59);
    cr_expect_eq(wait_s(&somebody, NOW + 59999), 1);
    cr_expect_eq(wait_s(&somebody, NOW + 60000), 0);
    fail(&somebody, LIMIT - 1, NOW + 60000);
    cr_expect_eq(wait_s(&somebody, NOW + 60000), 0, "a new minute counts from 0");
    fail(&somebody, 1, NOW + 61000);
    cr_expect_eq(wait_s(&somebody, NOW + 61000), 59);
}

Test(auth_failures, o7_wrong_keys_far_apart_are_no_flood)
{
    for (uint64_t i = 0; i < 100; i++) {
        fail(&somebody, LIMIT - 1, NOW + i * AUTH_FAILURES_WINDOW_MS);
        cr_expect_eq(wait_s(&somebody, NOW + i * AUTH_FAILURES_WINDOW_MS), 0);
    }
}

Test(auth_failures, o7_an_address_with_a_sound_key_is_not_held_back)
{
    auth_failures_forgive(failures, &somebody, NOW);
    fail(&somebody, 1000, NOW);
    cr_expect_eq(wait_s(&somebody, NOW), 0);
    uint64_t later = NOW + AUTH_FAILURES_TRUST_MS;
    fail(&somebody, LIMIT, later - 1);
    cr_expect_eq(wait_s(&somebody, later - 1), 0);
    cr_expect_gt(wait_s(&somebody, later), 0, "but not for ever");
    auth_failures_forgive(failures, &somebody, later);
    cr_expect_eq(wait_s(&somebody, later), 0);
}

Test(auth_failures, o7_the_table_is_bounded_and_the_quiet_give_way)
{
    fail(&somebody, LIMIT, NOW);
    for (uint64_t i = 0; i < 100000; i++) {
        const struct address_key stranger = {.network = 100 + i};
        fail(&stranger, LIMIT, NOW + 1);
        cr_assert_gt(wait_s(&stranger, NOW + 1), 0);
    }
    cr_expect_eq(wait_s(&somebody, NOW + 1), 0, "the one not heard of for longest");
}

Test(auth_failures, o7_the_one_just_heard_of_stays)
{
    for (uint64_t i = 0; i < 5000; i++) {
        const struct address_key stranger = {.network = 100 + i};
        fail(&somebody, 1, NOW + i);
        fail(&stranger, 1, NOW + i);
    }
    cr_expect_gt(wait_s(&somebody, NOW + 5000), 0);
}

Test(auth_failures, o7_counting_does_not_wrap)
{
    fail(&somebody, 1, NOW);
    for (size_t set = 0; set < AUTH_FAILURES_SETS; set++) {
        if (failures->sets[set][0].is_used)
            failures->sets[set][0].count = UINT32_MAX;
    }
    fail(&somebody, 3, NOW);
    cr_expect_gt(wait_s(&somebody, NOW), 0);
}
