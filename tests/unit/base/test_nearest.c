/* SPDX-License-Identifier: Apache-2.0 */
/* base/nearest.h */
#include "base/nearest.h"
#include "support/expect.h"

#include <string.h>

static const char *const names[] = {"timeout", "max_in_flight", "keep_alive", "url",
                                    "id"};
enum { NAMES = sizeof names / sizeof *names };

static const char *near(const char *wrong)
{
    const char *found = nearest_name(slice_from(wrong), names, NAMES);
    return found ? found : "nothing";
}

Test(nearest, a_missing_letter_is_near)
{
    expect_text(near("timeot"), "timeout");
}

Test(nearest, swapped_letters_are_one_edit)
{
    expect_text(near("tiemout"), "timeout");
    expect_text(near("ulr"), "url");
}

Test(nearest, case_hyphens_and_underscores_count_as_nothing)
{
    expect_text(near("maxInFlight"), "max_in_flight");
    expect_text(near("KEEP-ALIVE"), "keep_alive");
}

Test(nearest, the_nearest_wins_not_the_first)
{
    static const char *const two[] = {"status", "stats"};
    expect_text(nearest_name(slice_from("stat"), two, 2), "stats");
    expect_text(nearest_name(slice_from("statuss"), two, 2), "status");
}

Test(nearest, something_else_is_not_near)
{
    expect_text(near("concurrency"), "nothing");
    expect_text(near("xyz"), "nothing");
    expect_text(near("q"), "nothing");
}

Test(nearest, nothing_is_near_to_an_empty_name)
{
    expect_text(near(""), "nothing");
    expect_text(near("__"), "nothing");
    expect_text(nearest_name(slice_from("url"), NULL, 0), NULL);
}

Test(nearest, names_over_the_ceiling_are_never_near)
{
    char same[80];
    memset(same, 'a', sizeof same - 1);
    same[sizeof same - 1] = '\0';
    const char *const longs[] = {same};
    expect_text(nearest_name(slice_from(same), longs, 1), NULL);
    same[64] = '\0';
    expect_text(nearest_name(slice_from(same), longs, 1), same);
}

Test(nearest, bytes_that_are_no_text_do_no_harm)
{
    const char bytes[] = {'\xff', '\0', 't', 'i'};
    expect_text(nearest_name(slice_make(bytes, 4), names, NAMES), NULL);
}
