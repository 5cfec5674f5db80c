/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/crowding.h: what a thread's clock says about the CPUs. */
#include "fetch/crowding.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct crowding crowding;

static void setup(void)
{
    crowding = (struct crowding){0};
}

TestSuite(crowding, .init = setup);

Test(crowding, nothing_is_known_at_first)
{
    cr_assert_not(crowding_note(&crowding, 1000, 500));
    cr_assert_not(crowding_note(&crowding, 4999, 500), "too early to tell");
}

Test(crowding, a_thread_that_ran_all_the_time_has_room_beside_it)
{
    crowding_note(&crowding, 1000, 0);
    cr_assert_not(crowding_note(&crowding, 5000, 4000));
    cr_assert_not(crowding_note(&crowding, 9000, 7500), "an eighth is not more than one");
}

Test(crowding, one_that_waited_for_more_than_an_eighth_has_not)
{
    crowding_note(&crowding, 1000, 0);
    cr_assert(crowding_note(&crowding, 5000, 3499));
    cr_assert(crowding_note(&crowding, 8999, 7499), "so it stays until the next window");
    cr_assert_not(crowding_note(&crowding, 9000, 7499));
}

Test(crowding, sleep_is_not_counted)
{
    crowding_note(&crowding, 1000, 0);
    crowding_pause(&crowding);
    cr_assert_not(crowding_note(&crowding, 9000, 10));
    cr_assert_not(crowding_note(&crowding, 13000, 4010));
}

Test(crowding, what_was_seen_before_a_sleep_is_remembered)
{
    crowding_note(&crowding, 1000, 0);
    cr_assert(crowding_note(&crowding, 5000, 100));
    crowding_pause(&crowding);
    cr_assert(crowding_note(&crowding, 900000, 200));
    cr_assert_not(crowding_note(&crowding, 904000, 4200));
}

Test(crowding, a_clock_that_is_ahead_by_a_tick_is_no_harm)
{
    crowding_note(&crowding, 1000, 0);
    cr_assert_not(crowding_note(&crowding, 5000, 4001));
}
