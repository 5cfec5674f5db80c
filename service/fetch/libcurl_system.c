/* SPDX-License-Identifier: Apache-2.0 */
/* What is left out, each once, and the three functions that ask it. */
#include "fetch/libcurl_system.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||               \
    __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#endif

enum { CLOCK_QUESTIONS = 16 };

/* Reached without a call: this is part of a program, never of a library loaded later. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    bool is_inside;
    struct {
        unsigned asked; /* how often, since `enter` */
        struct timespec time;
    } clocks[2];  /* libcurl's, and everybody else's */
    int empty_fd; /* the last recv found it empty; -1: none */
} inside;

/* The functions that would be called without these: the C library's, of which the clock's
 * need not enter the kernel, or a preloaded library's. Found once: the first question may
 * come before main, from a library's constructor. */
static int (*next_clock)(clockid_t id, struct timespec *ret_time);
static int (*next_poll)(struct pollfd *fds, nfds_t count, int timeout_ms);
static ssize_t (*next_recv)(int fd, void *buffer, size_t size, int flags);

void libcurl_system_start(void)
{
    *(void **)&next_clock = dlsym(RTLD_NEXT, "clock_gettime"); /* dlsym(3) has it so */
    *(void **)&next_poll = dlsym(RTLD_NEXT, "poll");
    *(void **)&next_recv = dlsym(RTLD_NEXT, "recv");
}

static int ask_clock(clockid_t id, struct timespec *ret_time)
{
    if (next_clock)
        return next_clock(id, ret_time);
    return (int)syscall(SYS_clock_gettime, id, ret_time);
}

/* The next question goes to the clock. */
static void let_time_pass(void)
{
    inside.clocks[0].asked = 0;
    inside.clocks[1].asked = 0;
}

static int ask_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    if (next_poll)
        return next_poll(fds, count, timeout_ms);
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = timeout_ms % 1000 * 1000000L};
    return (int)syscall(SYS_ppoll, fds, count, timeout_ms < 0 ? NULL : &timeout, NULL, 0);
}

void libcurl_system_enter(void)
{
    inside.is_inside = true;
    let_time_pass();
    inside.empty_fd = -1;
}

void libcurl_system_leave(void)
{
    inside.is_inside = false;
}

void libcurl_system_forget(void)
{
    inside.empty_fd = -1;
}

int libcurl_system_clock(clockid_t id, struct timespec *ret_time)
{
    if (!inside.is_inside || (id != CLOCK_MONOTONIC_RAW && id != CLOCK_MONOTONIC))
        return ask_clock(id, ret_time);
    unsigned which = id == CLOCK_MONOTONIC;
    if (inside.clocks[which].asked++ % CLOCK_QUESTIONS == 0 &&
        ask_clock(id, &inside.clocks[which].time) != 0)
        return -1;
    *ret_time = inside.clocks[which].time;
    return 0;
}

int libcurl_system_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    if (inside.is_inside && count == 1 && timeout_ms == 0 && fds->fd == inside.empty_fd &&
        (fds->events & POLLOUT) == 0) {
        inside.empty_fd = -1;
        fds->revents = 0;
        return 0;
    }
    return ask_poll(fds, count, timeout_ms);
}

ssize_t libcurl_system_recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t len = next_recv ? next_recv(fd, buffer, size, flags)
                            : syscall(SYS_recvfrom, fd, buffer, size, flags, NULL, NULL);
    if (!inside.is_inside)
        return len;
    let_time_pass();
    bool is_empty = len > 0 ? (size_t)len < size : len < 0 && errno == EAGAIN;
    inside.empty_fd = is_empty && flags == 0 ? fd : -1;
    return len;
}

#ifndef HAS_SANITIZER
int clock_gettime(clockid_t id, struct timespec *ret_time)
{
    return libcurl_system_clock(id, ret_time);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    return libcurl_system_poll(fds, count, timeout_ms);
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    return libcurl_system_recv(fd, buffer, size, flags);
}
#endif
