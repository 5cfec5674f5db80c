/* SPDX-License-Identifier: Apache-2.0 */
/* By which any thread wakes a loop that watches it (EPOLLIN): an eventfd, whose value
 * says nothing. What there is to do lies elsewhere, under its owner's lock. */
#pragma once

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* bell_new: a descriptor the caller closes. -1: there is none, see errno. */
static inline int bell_new(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* bell_ring: from any thread; does not block. One that rings already goes on ringing. */
static inline void bell_ring(int bell)
{
    uint64_t one = 1;
    ssize_t written = write(bell, &one, sizeof one);
    (void)written; /* EAGAIN: it rings already */
}

/* bell_hear stops it, however often it was rung; does not block. */
static inline void bell_hear(int bell)
{
    uint64_t rings;
    ssize_t got = read(bell, &rings, sizeof rings);
    (void)got;
}
