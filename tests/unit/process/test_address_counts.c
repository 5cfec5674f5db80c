/* SPDX-License-Identifier: Apache-2.0 */
/* Connections per address: the limit, the release, and a table that stays bounded. */
#include "address_counts.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { OPEN_MAX = 64, FD_MAX = 256 };

static struct address_counts *counts;

static struct address_key key(uint64_t number)
{
    return (struct address_key){.network = number, .host = 0};
}

static bool take(uint64_t address, int fd)
{
    struct address_key taken = key(address);
    return address_counts_take(counts, &taken, fd);
}

static void start(void)
{
    counts = address_counts_new(3, OPEN_MAX, FD_MAX, 12345);
}

static void stop(void)
{
    address_counts_free(counts);
}

TestSuite(address_counts, .init = start, .fini = stop);

Test(address_counts, an_address_may_have_so_many_and_no_more)
{
    for (int fd = 10; fd < 13; fd++)
        cr_expect(take(1, fd));
    cr_expect_not(take(1, 13));
    cr_expect_not(take(1, 14));
    cr_expect(take(2, 13), "another address has its own count");
}

Test(address_counts, what_ends_makes_room)
{
    for (int fd = 10; fd < 13; fd++)
        cr_expect(take(1, fd));
    address_counts_release(counts, 11);
    cr_expect(take(1, 20));
    cr_expect_not(take(1, 21));
}

Test(address_counts, a_connection_ends_once)
{
    for (int fd = 10; fd < 13; fd++)
        cr_expect(take(1, fd));
    address_counts_release(counts, 11);
    address_counts_release(counts, 11);
    address_counts_release(counts, 99);
    address_counts_release(counts, -1);
    address_counts_release(counts, FD_MAX);
    cr_expect(take(1, 20));
    cr_expect_not(take(1, 21));
}

Test(address_counts, a_refused_connection_is_not_counted)
{
    for (int fd = 10; fd < 13; fd++)
        cr_expect(take(1, fd));
    cr_expect_not(take(1, 13));
    address_counts_release(counts, 13);
    cr_expect_not(take(1, 13));
}

Test(address_counts, a_descriptor_that_comes_again_has_been_closed)
{
    for (int i = 0; i < 50; i++)
        cr_expect(take(1, 10), "%d", i);
    cr_expect(take(2, 10));
    for (int fd = 11; fd < 14; fd++)
        cr_expect(take(1, fd));
    cr_expect_not(take(1, 14));
}

Test(address_counts, descriptors_out_of_range_are_let_through_uncounted)
{
    for (int i = 0; i < 10; i++) {
        cr_expect(take(1, FD_MAX));
        cr_expect(take(1, -1));
    }
    for (int fd = 10; fd < 13; fd++)
        cr_expect(take(1, fd));
}

/* More addresses than there are entries, one after the other: entries come back. */
Test(address_counts, addresses_that_left_give_their_place_back)
{
    for (int fd = 0; fd < 3; fd++)
        cr_expect(take(7, fd));
    for (uint64_t address = 1000; address < 101000; address++) {
        cr_assert(take(address, 10));
        address_counts_release(counts, 10);
    }
    cr_expect_not(take(7, 20), "one that stays is not forgotten");
}

/* Twice as many addresses at once as announced fill the pool; more are let through. */
Test(address_counts, a_full_table_lets_through_what_it_cannot_count)
{
    for (int fd = 0; fd < 2 * OPEN_MAX; fd++)
        cr_assert(take(1000 + (uint64_t)fd, fd));
    for (int i = 0; i < 10; i++)
        cr_expect(take(5, 200 + i));
    address_counts_release(counts, 0);
    for (int i = 0; i < 3; i++)
        cr_expect(take(5, 210 + i));
    cr_expect_not(take(5, 220));
}

/* Against a plain count of each address, over random takes and releases. */
Test(address_counts, it_counts_as_an_array_would)
{
    enum { ADDRESSES = 40 };
    unsigned expected[ADDRESSES] = {0};
    int owner[FD_MAX];
    for (int fd = 0; fd < FD_MAX; fd++)
        owner[fd] = -1;
    unsigned state = 7;
    int open = 0;
    for (int i = 0; i < 200000; i++) {
        state = state * 1103515245u + 12345u;
        int fd = (int)(state >> 16) % FD_MAX;
        int address = (int)(state >> 8) % ADDRESSES;
        if (owner[fd] >= 0) {
            address_counts_release(counts, fd);
            expected[owner[fd]]--;
            owner[fd] = -1;
            open--;
        } else if (open < OPEN_MAX) {
            bool is_taken = take((uint64_t)address + 1, fd);
            cr_assert_eq(is_taken, expected[address] < 3);
            if (is_taken) {
                expected[address]++;
                owner[fd] = address;
                open++;
            }
        }
    }
}

Test(address_counts, freeing_none_is_fine, .init = NULL, .fini = NULL)
{
    address_counts_free(NULL);
}
