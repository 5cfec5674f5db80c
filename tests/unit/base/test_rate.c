/* SPDX-License-Identifier: Apache-2.0 */
/* base/rate.h: the arithmetic at every edge, and that threads together take no more than
 * there is. */
#include "base/rate.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

enum { SECOND_US = 1000000 };
static const uint64_t second_ns = 1000000000;

/* At `now_us`, how many single ones pass before the first that does not? */
static unsigned drain(struct rate *rate, uint64_t now_us)
{
    uint64_t wait_ns;
    unsigned taken = 0;
    while (taken < 100000 && rate_take(rate, now_us, 1, &wait_ns))
        taken++;
    return taken;
}

Test(rate, a_full_bucket_gives_the_burst_at_once_and_no_more)
{
    struct rate rate;
    rate_init(&rate, 5, 12);
    cr_expect(eq(u32, drain(&rate, 0), 12), "also when the clock is at its beginning");
    rate_init(&rate, 5, 12);
    cr_expect(eq(u32, drain(&rate, 77 * SECOND_US), 12));
    cr_expect(eq(u32, drain(&rate, 77 * SECOND_US), 0));
}

Test(rate, it_fills_at_the_rate_and_not_over_the_burst)
{
    struct rate rate;
    rate_init(&rate, 5, 12);
    drain(&rate, 10 * SECOND_US);
    cr_expect(eq(u32, drain(&rate, 11 * SECOND_US), 5));
    cr_expect(eq(u32, drain(&rate, 11 * SECOND_US + SECOND_US / 5), 1));
    cr_expect(eq(u32, drain(&rate, 1000 * SECOND_US), 12));
}

Test(rate, a_refusal_takes_nothing_and_tells_the_wait)
{
    struct rate rate;
    uint64_t wait_ns = 77;
    rate_init(&rate, 10, 10);
    cr_expect(rate_take(&rate, SECOND_US, 8, &wait_ns));
    cr_expect(eq(u64, wait_ns, 0));
    cr_expect(not(rate_take(&rate, SECOND_US, 3, &wait_ns)));
    cr_expect(eq(u64, wait_ns, second_ns / 10));
    cr_expect(rate_take(&rate, SECOND_US, 2, &wait_ns), "the refusal left both");
    cr_expect(not(rate_take(&rate, SECOND_US, 10, &wait_ns)));
    cr_expect(eq(u64, wait_ns, second_ns));
    cr_expect(rate_take(&rate, 2 * SECOND_US, 10, &wait_ns), "the wait was right");
}

Test(rate, more_than_the_burst_never_passes)
{
    struct rate rate;
    uint64_t wait_ns;
    rate_init(&rate, 10, 10);
    cr_expect(not(rate_take(&rate, 0, 11, &wait_ns)));
    cr_expect(not(rate_take(&rate, 3600ULL * SECOND_US, 11, &wait_ns)));
}

Test(rate, without_a_rate_everything_passes)
{
    struct rate rate;
    uint64_t wait_ns = 1;
    rate_init(&rate, 0, 1);
    cr_expect(rate_take(&rate, 0, 100000, &wait_ns) && wait_ns == 0);
    cr_expect(rate_has_one(&rate, 0, &wait_ns));
}

Test(rate, asking_for_one_takes_nothing)
{
    struct rate rate;
    uint64_t wait_ns;
    rate_init(&rate, 2, 1);
    for (int i = 0; i < 3; i++)
        cr_expect(rate_has_one(&rate, SECOND_US, &wait_ns));
    cr_expect(rate_take(&rate, SECOND_US, 1, &wait_ns));
    cr_expect(not(rate_has_one(&rate, SECOND_US, &wait_ns)));
    cr_expect(eq(u64, wait_ns, second_ns / 2));
}

Test(rate, a_wait_is_told_in_whole_seconds_of_at_least_one)
{
    cr_expect(eq(u64, rate_wait_s(0), 1));
    cr_expect(eq(u64, rate_wait_s(1), 1));
    cr_expect(eq(u64, rate_wait_s(second_ns), 1));
    cr_expect(eq(u64, rate_wait_s(second_ns + 1), 2));
    cr_expect(eq(u64, rate_wait_s(90 * second_ns), 90));
}

Test(rate, what_cannot_be_refused_is_charged_and_waited_for_later)
{
    struct rate rate;
    uint64_t wait_ns;
    rate_init(&rate, 10, 5);
    rate_charge(&rate, SECOND_US, 8);
    cr_expect(not(rate_take(&rate, SECOND_US, 1, &wait_ns)));
    cr_expect(eq(u64, wait_ns, 4 * second_ns / 10), "three too many, and its own");
    cr_expect(eq(u32, drain(&rate, SECOND_US + 4 * SECOND_US / 10), 1));
    rate_charge(&rate, 100 * SECOND_US, 1);
    cr_expect(eq(u32, drain(&rate, 100 * SECOND_US), 4));
    rate_init(&rate, 0, 1);
    rate_charge(&rate, SECOND_US, 1000);
    cr_expect(rate_take(&rate, SECOND_US, 1000, &wait_ns));
}

Test(rate, the_step_is_pure)
{
    const struct rate rate = {.item_ns = 100, .burst_ns = 300};
    struct rate_step step = rate_decide(&rate, 1000, 1000, 3);
    cr_expect(step.is_taken && step.full_ns == 1300 && step.wait_ns == 0);
    step = rate_decide(&rate, 1300, 1050, 1);
    cr_expect(not(step.is_taken));
    cr_expect(step.full_ns == 1300 && step.wait_ns == 50);
    step = rate_decide(&rate, 1300, 1100, 1);
    cr_expect(step.is_taken && step.full_ns == 1400);
    step = rate_decide(&rate, 0, 5000, 1);
    cr_expect(step.is_taken && step.full_ns == 5100, "old time is not saved up");
}

enum { THREADS = 4, TRIES = 2000, BURST = 3000 };
static struct rate shared;

static void *take_many(void *context)
{
    unsigned *taken = context;
    uint64_t wait_ns;
    for (int i = 0; i < TRIES; i++)
        *taken += rate_take(&shared, SECOND_US, 1, &wait_ns);
    return NULL;
}

Test(rate, threads_together_take_exactly_what_there_is)
{
    pthread_t threads[THREADS];
    unsigned taken[THREADS] = {0};
    unsigned sum = 0;
    rate_init(&shared, 1, BURST);
    for (int i = 0; i < THREADS; i++)
        cr_assert(pthread_create(&threads[i], NULL, take_many, &taken[i]) == 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += taken[i];
    }
    cr_expect(eq(u32, sum, BURST));
}

Test(rate, a_change_leaves_what_was_taken_taken)
{
    struct rate rate;
    uint64_t wait_ns;
    rate_init(&rate, 1, 3);
    cr_assert(rate_take(&rate, 1000000, 3, &wait_ns));
    rate_change(&rate, 2, 3);
    cr_expect(not(rate_take(&rate, 1000000, 1, &wait_ns)));
    rate_change(&rate, 0, 1);
    cr_expect(rate_take(&rate, 1000000, 1000, &wait_ns), "no limit any more");
}
