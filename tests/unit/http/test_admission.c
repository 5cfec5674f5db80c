/* SPDX-License-Identifier: Apache-2.0 */
/* http/admission.h: bursts pass, a standing delay sheds, and calm comes back. */
#include "http/admission.h"

#include <criterion/criterion.h>

enum { MS = 1000, TARGET = 50 * MS };

static struct admission admission;

static void set_up(void)
{
    admission_init(&admission, TARGET);
}

/* The delay is `delay_us` from one time to the other, told every millisecond. */
static void hold(uint64_t from_us, uint64_t to_us, uint64_t delay_us)
{
    for (uint64_t now_us = from_us; now_us <= to_us; now_us += MS)
        admission_note(
            &admission, now_us,
            (struct schedule_delay){.oldest_us = delay_us, .round_us = delay_us / 10});
}

TestSuite(admission, .init = set_up);

Test(admission, at_first_every_batch_is_taken)
{
    cr_expect(admission_is_open(&admission));
    cr_expect(admission_is_in_time(&admission, SIZE_MAX, 1));
}

Test(admission, a_burst_shorter_than_the_interval_is_taken_whole)
{
    hold(1000 * MS, 1099 * MS, 500 * MS);
    cr_expect(admission_is_open(&admission));
    hold(1100 * MS, 1100 * MS, TARGET - 1);
    hold(1101 * MS, 1200 * MS, 500 * MS);
    cr_expect(admission_is_open(&admission), "the time under the target was forgotten");
}

Test(admission, l1_a_delay_that_stands_for_the_interval_sheds)
{
    hold(1000 * MS, 1100 * MS, TARGET);
    cr_expect_not(admission_is_open(&admission));
}

Test(admission, while_shedding_a_batch_is_taken_when_the_delay_is_short_just_now)
{
    hold(1000 * MS, 1100 * MS, TARGET);
    hold(1101 * MS, 1101 * MS, TARGET - 1);
    cr_expect(admission.is_shedding);
    cr_expect(admission_is_open(&admission));
    hold(1102 * MS, 1102 * MS, TARGET);
    cr_expect_not(admission_is_open(&admission));
}

Test(admission, l1_it_is_calm_again_after_an_interval_under_the_target)
{
    hold(1000 * MS, 1100 * MS, TARGET);
    hold(1101 * MS, 1200 * MS, 0);
    cr_expect(admission.is_shedding);
    hold(1201 * MS, 1201 * MS, 0);
    cr_expect_not(admission.is_shedding);
    hold(1202 * MS, 1202 * MS, 10 * TARGET);
    cr_expect(admission_is_open(&admission));
}

Test(admission, l1_what_cannot_be_sent_within_half_its_deadline_is_refused)
{
    hold(1000 * MS, 1000 * MS, 10 * MS); /* a round takes 1 ms */
    cr_expect(admission_is_in_time(&admission, 100, 200 * MS));
    cr_expect_not(admission_is_in_time(&admission, 101, 200 * MS));
    hold(1001 * MS, 1001 * MS, 0);
    cr_expect(admission_is_in_time(&admission, 1000000, 1));
}

Test(admission, at_a_standstill_the_one_that_waits_longest_tells_the_round)
{
    hold(1000 * MS, 1000 * MS, 19 * MS);
    cr_expect(admission_is_in_time(&admission, 50, 200 * MS));
    hold(1001 * MS, 1001 * MS, 20 * MS);
    cr_expect(admission_is_in_time(&admission, 5, 200 * MS));
    cr_expect_not(admission_is_in_time(&admission, 6, 200 * MS));
}

Test(admission, a_target_of_0_takes_everything)
{
    admission_init(&admission, 0);
    hold(1000 * MS, 5000 * MS, 1000 * MS);
    cr_expect(admission_is_open(&admission));
    cr_expect(admission_is_in_time(&admission, 1000000, 1));
}
