/* SPDX-License-Identifier: Apache-2.0 */
/* base/log_class.h: how many lines pass, and what the next one says of the rest. */
#include "base/log_class.h"
#include "support/expect.h"

enum { SECOND_US = 1000000 };

static struct log_class fixed = LOG_CLASS(2, 3);

Test(log_class, l10_a_burst_passes_and_then_so_many_a_second)
{
    struct log_class class;
    uint64_t held, passed = 0;
    log_class_init(&class, 2, 3);
    for (uint64_t us = 0; us < 10 * SECOND_US; us += 1000)
        passed += log_class_take(&class, SECOND_US + us, &held);
    cr_expect(eq(u64, passed, 3 + 2 * 10 - 1));
}

Test(log_class, the_next_line_says_how_many_were_held_back_and_no_other_does)
{
    struct log_class class;
    uint64_t held = 77;
    log_class_init(&class, 1, 1);
    cr_assert(log_class_take(&class, SECOND_US, &held));
    cr_expect(eq(u64, held, 0));
    held = 77;
    for (int i = 0; i < 5; i++)
        cr_assert(not(log_class_take(&class, SECOND_US + 1, &held)));
    cr_expect(eq(u64, held, 77));
    cr_assert(log_class_take(&class, 2 * SECOND_US, &held));
    cr_expect(eq(u64, held, 5));
    cr_assert(log_class_take(&class, 3 * SECOND_US, &held));
    cr_expect(eq(u64, held, 0));
}

Test(log_class, one_that_needs_no_start_is_the_same)
{
    struct log_class made;
    log_class_init(&made, 2, 3);
    cr_expect(eq(u64, made.rate.item_ns, fixed.rate.item_ns));
    cr_expect(eq(u64, made.rate.burst_ns, fixed.rate.burst_ns));
    uint64_t held;
    for (int i = 0; i < 3; i++)
        cr_expect(log_class_take(&fixed, SECOND_US, &held));
    cr_expect(not(log_class_take(&fixed, SECOND_US, &held)));
}
