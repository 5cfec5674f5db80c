/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.h: who gets how many. */
#include "descriptors.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

Test(descriptors, everything_asked_for_is_given_when_it_fits)
{
    struct descriptors got;
    struct error err = {0};
    cr_assert(descriptors_divide(65536, 100, 10000, 10000, &got, &err));
    cr_assert(eq(u64, got.max_in_flight, 10000));
    cr_assert(eq(u64, got.max_connections, 10000));
    cr_assert(not(got.is_cut));
}

Test(descriptors, the_fan_out_is_served_before_the_fan_in)
{
    struct descriptors got;
    struct error err = {0};
    cr_assert(descriptors_divide(20000, 112, 12000, 10000, &got, &err));
    cr_assert(eq(u64, got.max_in_flight, 12000));
    cr_assert(eq(u64, got.max_connections, 20000 - 112 - 12000));
    cr_assert(got.is_cut);
}

Test(descriptors, clients_keep_a_quarter_and_the_sum_never_passes_the_limit)
{
    for (uint64_t limit = 132; limit < 30000; limit += 7) {
        struct descriptors got;
        struct error err = {0};
        cr_assert(descriptors_divide(limit, 100, 100000, 100000, &got, &err));
        cr_assert(le(u64, got.max_in_flight + got.max_connections + 100, limit));
        cr_assert(ge(u64, got.max_connections, (limit - 100) / 4));
        cr_assert(got.is_cut);
    }
}

Test(descriptors, too_few_is_refused_with_the_number_needed)
{
    struct descriptors got = {.max_in_flight = 7};
    struct error err = {0};
    cr_assert(not(descriptors_divide(64, 100, 1000, 1000, &got, &err)));
    cr_assert(ne(ptr, strstr(err.text, "the limit of 64 open files is too low"), NULL));
    cr_assert(ne(ptr, strstr(err.text, "132"), NULL));
    cr_assert(eq(u64, got.max_in_flight, 7), "results are untouched on failure");
}
