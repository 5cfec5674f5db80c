/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl_system.c: what is left out, only inside, and only where it says nothing new. */
#include "fetch/libcurl_system.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static int ends[2];
static char bytes[100];

static void start(void)
{
    libcurl_system_start();
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    libcurl_system_enter();
}

static void stop(void)
{
    libcurl_system_leave();
    close(ends[0]);
    close(ends[1]);
}

TestSuite(libcurl_system, .init = start, .fini = stop);

static void send_bytes(size_t count)
{
    cr_assert_eq(write(ends[1], bytes, count), (ssize_t)count);
}

static int ask(int fd, short events, int timeout_ms)
{
    struct pollfd polled = {.fd = fd, .events = events, .revents = -1};
    int count = libcurl_system_poll(&polled, 1, timeout_ms);
    cr_assert_eq(count, polled.revents != 0);
    return count;
}

static ssize_t read_bytes(size_t size)
{
    return libcurl_system_recv(ends[0], bytes, size, 0);
}

/* --------------------------------------------------------------------------- sockets */

Test(libcurl_system, a_poll_behind_a_short_recv_finds_nothing_once)
{
    send_bytes(10);
    cr_assert_eq(read_bytes(100), 10);
    send_bytes(1);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 0);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 1, "the next asks the kernel");
    cr_assert_eq(read_bytes(100), 1);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 0);
}

Test(libcurl_system, a_poll_behind_a_recv_that_found_nothing_finds_nothing)
{
    cr_assert_eq(read_bytes(100), -1);
    cr_assert_eq(errno, EAGAIN);
    send_bytes(1);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 0);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 1);
}

Test(libcurl_system, a_poll_behind_a_recv_that_was_filled_asks)
{
    send_bytes(20);
    cr_assert_eq(read_bytes(10), 10);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 1);
}

Test(libcurl_system, a_poll_behind_the_end_or_an_error_asks)
{
    shutdown(ends[1], SHUT_WR);
    cr_assert_eq(read_bytes(100), 0);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 1);
    cr_assert_eq(libcurl_system_recv(-1, bytes, 1, 0), -1);
    cr_assert_eq(errno, EBADF);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 1);
}

Test(libcurl_system, a_poll_of_anything_else_asks)
{
    send_bytes(10);
    cr_assert_eq(read_bytes(100), 10);
    send_bytes(1);
    cr_assert_eq(ask(ends[1], POLLOUT, 0), 1, "another descriptor");
    cr_assert_eq(ask(ends[0], POLLOUT | POLLIN, 0), 1, "whether it can be written");
    cr_assert_eq(ask(ends[0], POLLIN, 1), 1, "a poll that waits");
    cr_assert_eq(ask(ends[0], POLLIN, -1), 1);
    struct pollfd both[] = {{.fd = ends[0], .events = POLLIN},
                            {.fd = ends[1], .events = POLLOUT}};
    cr_assert_eq(libcurl_system_poll(both, 2, 0), 2);
}

Test(libcurl_system, a_look_without_taking_leaves_what_is_there)
{
    send_bytes(10);
    cr_assert_eq(libcurl_system_recv(ends[0], bytes, 100, MSG_PEEK), 10);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 1);
}

Test(libcurl_system, what_was_empty_in_one_call_is_asked_for_in_the_next)
{
    send_bytes(10);
    cr_assert_eq(read_bytes(100), 10);
    libcurl_system_leave();
    send_bytes(1);
    libcurl_system_enter();
    cr_assert_eq(ask(ends[0], POLLIN, 0), 1, "an idle connection may be closed by now");
}

Test(libcurl_system, what_was_empty_is_asked_for_when_the_connection_was_idle_meanwhile)
{
    send_bytes(10);
    cr_assert_eq(read_bytes(100), 10);
    shutdown(ends[1], SHUT_WR);
    libcurl_system_forget();
    cr_assert_eq(ask(ends[0], POLLIN, 0), 1);
}

Test(libcurl_system, outside_all_is_as_ever)
{
    libcurl_system_leave();
    send_bytes(10);
    cr_assert_eq(read_bytes(100), 10);
    send_bytes(1);
    cr_assert_eq(ask(ends[0], POLLIN, 0), 1);
    struct timespec first, now;
    cr_assert_eq(libcurl_system_clock(CLOCK_MONOTONIC, &first), 0);
    usleep(1000);
    cr_assert_eq(libcurl_system_clock(CLOCK_MONOTONIC, &now), 0);
    cr_assert(now.tv_sec != first.tv_sec || now.tv_nsec != first.tv_nsec);
}

/* ---------------------------------------------------------------------------- clocks */

/* Without an assertion: Criterion, too, asks the clock that this program replaces. */
static struct timespec ask_time(clockid_t id)
{
    struct timespec now = {.tv_sec = -1};
    (void)libcurl_system_clock(id, &now);
    return now;
}

static bool is_same(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

Test(libcurl_system, the_clock_stands_still_for_sixteen_questions)
{
    libcurl_system_enter();
    struct timespec first = ask_time(CLOCK_MONOTONIC_RAW);
    struct timespec other = ask_time(CLOCK_MONOTONIC);
    int same = 0;
    usleep(1000);
    for (int i = 1; i < 16; i++) {
        same += is_same(ask_time(CLOCK_MONOTONIC_RAW), first);
        same += is_same(ask_time(CLOCK_MONOTONIC), other); /* each has its own */
    }
    bool has_moved = !is_same(ask_time(CLOCK_MONOTONIC_RAW), first);
    bool has_other_moved = !is_same(ask_time(CLOCK_MONOTONIC), other);
    cr_assert_eq(same, 30);
    cr_assert_geq(first.tv_sec, 0);
    cr_assert(has_moved && has_other_moved);
}

Test(libcurl_system, the_clock_is_read_anew_in_each_call)
{
    struct timespec first = ask_time(CLOCK_MONOTONIC_RAW);
    libcurl_system_leave();
    usleep(1000);
    libcurl_system_enter();
    cr_assert_not(is_same(ask_time(CLOCK_MONOTONIC_RAW), first));
}

/* A handshake in one call of libcurl's is answered in milliseconds and asks rarely. */
Test(libcurl_system, the_clock_is_read_anew_behind_a_recv)
{
    struct timespec first = ask_time(CLOCK_MONOTONIC_RAW);
    struct timespec other = ask_time(CLOCK_MONOTONIC);
    usleep(1000);
    cr_assert_eq(read_bytes(100), -1);
    cr_assert_not(is_same(ask_time(CLOCK_MONOTONIC_RAW), first));
    cr_assert_not(is_same(ask_time(CLOCK_MONOTONIC), other));
}

Test(libcurl_system, other_clocks_run_on)
{
    struct timespec first = ask_time(CLOCK_REALTIME);
    usleep(1000);
    cr_assert_not(is_same(ask_time(CLOCK_REALTIME), first));
    struct timespec now;
    cr_assert_eq(libcurl_system_clock((clockid_t)-99, &now), -1);
    cr_assert_eq(errno, EINVAL);
}
