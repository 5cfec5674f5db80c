/* SPDX-License-Identifier: Apache-2.0 */
/* batch/wait_policy.h: every way in which four items can end, one after the other, under
 * every policy, held against the sentences of its table. */
#include "batch/wait_policy.h"

#include <criterion/criterion.h>

enum { ITEMS = 4 };

/* How an item ends. */
enum ending { OK, FAILED, OPTIONAL_FAILED, ENDINGS };

struct story {
    enum ending endings[ITEMS];
    size_t done;
};

static struct wait_counts counts_of(const struct story *story)
{
    struct wait_counts counts = {.total = ITEMS, .done = story->done};
    for (size_t i = 0; i < story->done; i++) {
        counts.ok += story->endings[i] == OK;
        counts.required_failed += story->endings[i] == FAILED;
    }
    counts.first_is_ok = story->done > 0 && story->endings[0] == OK;
    return counts;
}

/* Calls `check` for every way in which none to all of the items have ended. */
static void tell_all(const struct wait_policy *policy,
                     void check(const struct wait_policy *policy,
                                const struct story *story))
{
    for (size_t done = 0; done <= ITEMS; done++) {
        size_t ways = 1;
        for (size_t i = 0; i < done; i++)
            ways *= ENDINGS;
        for (size_t way = 0; way < ways; way++) {
            struct story story = {.done = done};
            size_t left = way;
            for (size_t i = 0; i < done; i++, left /= ENDINGS)
                story.endings[i] = (enum ending)(left % ENDINGS);
            check(policy, &story);
        }
    }
}

static size_t count(const struct story *story, enum ending ending)
{
    size_t count = 0;
    for (size_t i = 0; i < story->done; i++)
        count += story->endings[i] == ending;
    return count;
}

static enum wait_verdict verdict_of(const struct wait_policy *policy,
                                    const struct story *story)
{
    const struct wait_counts counts = counts_of(story);
    return wait_judge(policy, &counts);
}

static bool is_complete(const struct wait_policy *policy, const struct story *story)
{
    const struct wait_counts counts = counts_of(story);
    return wait_is_complete(policy, &counts);
}

static enum wait_verdict verdict_without_enough(const struct wait_policy *policy,
                                                const struct story *story)
{
    if (story->done == ITEMS)
        return WAIT_DONE;
    return policy->fails_fast && count(story, FAILED) > 0 ? WAIT_FAILED : WAIT_GO_ON;
}

static void check_all(const struct wait_policy *policy, const struct story *story)
{
    cr_expect_eq(verdict_of(policy, story), verdict_without_enough(policy, story));
    cr_expect_eq(is_complete(policy, story), count(story, FAILED) == 0);
}

Test(wait_policy, all_waits_for_every_item_and_minds_the_required_ones)
{
    const struct wait_policy patient = {.until = WAIT_ALL};
    const struct wait_policy hasty = {.until = WAIT_ALL, .fails_fast = true};
    tell_all(&patient, check_all);
    tell_all(&hasty, check_all);
}

Test(wait_policy, nothing_given_is_all)
{
    const struct wait_policy policy = {0};
    tell_all(&policy, check_all);
}

static void check_first_done(const struct wait_policy *policy, const struct story *story)
{
    enum wait_verdict expected = story->done == ITEMS ? WAIT_DONE
                                 : story->done > 0    ? WAIT_ENOUGH
                                                      : WAIT_GO_ON;
    cr_expect_eq(verdict_of(policy, story), expected);
    cr_expect_eq(is_complete(policy, story), story->done > 0 && story->endings[0] == OK);
}

Test(wait_policy, first_done_ends_with_the_first_whatever_became_of_it)
{
    const struct wait_policy patient = {.until = WAIT_FIRST_DONE};
    const struct wait_policy hasty = {.until = WAIT_FIRST_DONE, .fails_fast = true};
    tell_all(&patient, check_first_done);
    tell_all(&hasty, check_first_done);
}

static void check_ok(const struct wait_policy *policy, const struct story *story)
{
    bool is_enough = count(story, OK) >= policy->ok_needed;
    enum wait_verdict expected = verdict_without_enough(policy, story);
    if (is_enough && story->done < ITEMS)
        expected = WAIT_ENOUGH;
    cr_expect_eq(verdict_of(policy, story), expected);
    cr_expect_eq(is_complete(policy, story), is_enough);
}

Test(wait_policy, ok_ends_when_enough_are_and_else_runs_on_to_the_last)
{
    for (uint32_t needed = 1; needed <= ITEMS; needed++) {
        const struct wait_policy patient = {.until = WAIT_OK, .ok_needed = needed};
        const struct wait_policy hasty = {
            .until = WAIT_OK, .ok_needed = needed, .fails_fast = true};
        tell_all(&patient, check_ok);
        tell_all(&hasty, check_ok);
    }
}

Test(wait_policy, enough_counts_before_the_failure_that_came_with_it)
{
    const struct wait_policy policy = {
        .until = WAIT_OK, .ok_needed = 1, .fails_fast = true};
    const struct wait_counts counts = {
        .total = 3, .done = 2, .ok = 1, .required_failed = 1};
    cr_expect_eq(wait_judge(&policy, &counts), WAIT_ENOUGH);
    cr_expect(wait_is_complete(&policy, &counts));
}
