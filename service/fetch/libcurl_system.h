/* SPDX-License-Identifier: Apache-2.0 */
/* System calls and clock readings that libcurl makes for nothing, left out.
 *
 * For an item libcurl (8.14) reads the clock 25 times, and after each recv(2) that gave
 * less than was asked for, or EAGAIN, it asks poll(2) whether there is more: 7 % of an
 * item's CPU time, and there is no option for either. recv, poll and clock_gettime are
 * functions of a shared library, and ELF lets a program define such a function itself
 * (so malloc is replaced, and fetch/libcurl_print's functions are); everybody in the
 * process then calls that one. So while a worker is inside libcurl:
 *
 *   clock_gettime  of CLOCK_MONOTONIC_RAW (libcurl's) and CLOCK_MONOTONIC stands still
 *                  for 16 questions, some 10 µs, or until the next recv: a handshake may
 *                  take milliseconds between two questions.
 *   poll           of one descriptor, without waiting, right behind a recv on it that
 *                  found it empty: finds nothing. What has come since is reported by the
 *                  loop, which watches by level. Another poll of it asks the kernel: so
 *                  does libcurl before it uses an idle connection.
 *
 * Outside of that they are what they were, a preloaded library's functions included.
 * Builds with a sanitizer, which has its own such functions, and a libcurl that binds
 * these calls inside itself are as they would be without. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

/* libcurl_system_start: once, before there are threads. */
void libcurl_system_start(void);

/* libcurl_system_enter before, libcurl_system_leave behind a call of libcurl that moves
 * transfers; of the calling thread alone. They do not nest. */
void libcurl_system_enter(void);
void libcurl_system_leave(void);

/* libcurl_system_forget: a connection became idle. Whether it is alive when the same call
 * of libcurl uses it again is a question to the kernel. */
void libcurl_system_forget(void);

/* What clock_gettime, poll and recv do; for tests. */
int libcurl_system_clock(clockid_t id, struct timespec *ret_time);
int libcurl_system_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
ssize_t libcurl_system_recv(int fd, void *buffer, size_t size, int flags);
