/* SPDX-License-Identifier: Apache-2.0 */
/* base/bell.h */
#include "base/bell.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>

static bool rings(int bell)
{
    struct pollfd wanted = {.fd = bell, .events = POLLIN};
    return poll(&wanted, 1, 0) == 1;
}

Test(bell, rings_from_the_first_ring_until_it_is_heard)
{
    int bell = bell_new();
    cr_assert_geq(bell, 0);
    cr_assert(!rings(bell));
    for (int i = 0; i < 3; i++)
        bell_ring(bell);
    cr_assert(rings(bell));
    bell_hear(bell);
    cr_assert(!rings(bell), "it was rung three times and heard once");
    close(bell);
}

Test(bell, neither_a_full_one_nor_a_silent_one_is_waited_for, .timeout = 10)
{
    int bell = bell_new();
    uint64_t most = UINT64_MAX - 1; /* eventfd(2): one more would block */
    cr_assert_eq(write(bell, &most, sizeof most), (ssize_t)sizeof most);
    bell_ring(bell);
    cr_assert(rings(bell));
    bell_hear(bell);
    bell_hear(bell);
    cr_assert(!rings(bell));
    cr_assert(fcntl(bell, F_GETFD) & FD_CLOEXEC);
    close(bell);
}
