/* SPDX-License-Identifier: Apache-2.0 */
/* base/peak.h: the highest value of this second and the one before. */
#include "base/peak.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(peak, the_highest_is_kept_for_one_to_two_seconds)
{
    struct peak peak = {0};
    cr_assert(eq(u64, peak_read(&peak, 5000), 0));
    peak_note(&peak, 5100, 7);
    peak_note(&peak, 5200, 3);
    cr_assert(eq(u64, peak_read(&peak, 5999), 7));
    peak_note(&peak, 6000, 1);
    cr_assert(eq(u64, peak_read(&peak, 6999), 7));
    cr_assert(eq(u64, peak_read(&peak, 7000), 1));
    cr_assert(eq(u64, peak_read(&peak, 8000), 0));
}

Test(peak, a_higher_one_of_this_second_counts_at_once)
{
    struct peak peak = {0};
    peak_note(&peak, 5100, 7);
    peak_note(&peak, 6100, 9);
    cr_assert(eq(u64, peak_read(&peak, 6100), 9));
}

Test(peak, after_a_silence_nothing_is_left)
{
    struct peak peak = {0};
    peak_note(&peak, 5100, 7);
    peak_note(&peak, 9000, 2);
    cr_assert(eq(u64, peak_read(&peak, 9000), 2));
}
