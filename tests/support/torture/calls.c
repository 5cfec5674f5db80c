/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of a batch that may fail, of which the N-th does, with an error the
 * kernel really gives (see the manual page of each). close is not among them: on Linux
 * it always closes. */
#include "torture.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

bool torture_is_interrupted(void);

/* Counts, and makes the call fail with `error`, or EINTR where that is `may_interrupt`.
 */
static bool fails(const char *name, int error, bool may_interrupt)
{
    if (!torture_must_fail(TORTURE_CALLS, name))
        return false;
    errno = may_interrupt && torture_is_interrupted() ? EINTR : error;
    return true;
}

/* libc's function of the same name and type. */
#define NEXT(name)                                                                       \
    static __typeof__(&name) next;                                                       \
    if (!next)                                                                           \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

/* A function with a fixed list of arguments, fails with `result` and `error`. */
#define CALL(type, name, parameters, arguments, result, error, may_interrupt)            \
    type name parameters                                                                 \
    {                                                                                    \
        NEXT(name);                                                                      \
        if (fails(#name, error, may_interrupt))                                          \
            return result;                                                               \
        return next arguments;                                                           \
    }

/* glibc declares some of these with a transparent union of address types. */
#define ADDRESS __SOCKADDR_ARG
#define CONST_ADDRESS __CONST_SOCKADDR_ARG

CALL(int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1,
     EMFILE, false)
CALL(int, connect, (int fd, CONST_ADDRESS address, socklen_t len), (fd, address, len), -1,
     ENETUNREACH, false)
CALL(int, bind, (int fd, CONST_ADDRESS address, socklen_t len), (fd, address, len), -1,
     EADDRINUSE, false)
CALL(int, listen, (int fd, int backlog), (fd, backlog), -1, EADDRINUSE, false)
CALL(int, accept, (int fd, ADDRESS address, socklen_t *restrict len), (fd, address, len),
     -1, EMFILE, true)
CALL(int, accept4, (int fd, ADDRESS address, socklen_t *restrict len, int flags),
     (fd, address, len, flags), -1, EMFILE, true)
CALL(ssize_t, recv, (int fd, void *bytes, size_t size, int flags),
     (fd, bytes, size, flags), -1, ECONNRESET, true)
CALL(ssize_t, recvfrom,
     (int fd, void *restrict bytes, size_t size, int flags, ADDRESS address,
      socklen_t *restrict len),
     (fd, bytes, size, flags, address, len), -1, ECONNRESET, true)
CALL(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),
     -1, ECONNRESET, true)
CALL(ssize_t, send, (int fd, const void *bytes, size_t size, int flags),
     (fd, bytes, size, flags), -1, ECONNRESET, true)
CALL(ssize_t, sendto,
     (int fd, const void *bytes, size_t size, int flags, CONST_ADDRESS address,
      socklen_t len),
     (fd, bytes, size, flags, address, len), -1, ECONNRESET, true)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags), -1, ECONNRESET, true)
CALL(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count),
     -1, ECONNRESET, true)
CALL(ssize_t, readv, (int fd, const struct iovec *parts, int count), (fd, parts, count),
     -1, ECONNRESET, true)
CALL(int, epoll_wait, (int set, struct epoll_event *events, int most, int wait_ms),
     (set, events, most, wait_ms), -1, EINTR, false)
CALL(int, epoll_create1, (int flags), (flags), -1, EMFILE, false)
CALL(int, poll, (struct pollfd * fds, nfds_t count, int wait_ms), (fds, count, wait_ms),
     -1, ENOMEM, true)
CALL(int, socketpair, (int domain, int type, int protocol, int fds[2]),
     (domain, type, protocol, fds), -1, EMFILE, false)
CALL(int, pipe2, (int fds[2], int flags), (fds, flags), -1, EMFILE, false)
CALL(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len),
     (fd, level, name, value, len), -1, ENOBUFS, false)
CALL(int, getsockopt,
     (int fd, int level, int name, void *restrict value, socklen_t *restrict len),
     (fd, level, name, value, len), -1, ENOBUFS, false)
CALL(int, getsockname, (int fd, ADDRESS address, socklen_t *restrict len),
     (fd, address, len), -1, ENOBUFS, false)
CALL(int, getpeername, (int fd, ADDRESS address, socklen_t *restrict len),
     (fd, address, len), -1, ENOTCONN, false)
CALL(int, shutdown, (int fd, int how), (fd, how), -1, ENOTCONN, false)
CALL(ssize_t, getrandom, (void *bytes, size_t size, unsigned flags), (bytes, size, flags),
     -1, EINTR, false)
CALL(void *, mmap,
     (void *address, size_t size, int protection, int flags, int fd, off_t offset),
     (address, size, protection, flags, fd, offset), MAP_FAILED, ENOMEM, false)
CALL(FILE *, fopen, (const char *restrict path, const char *restrict mode), (path, mode),
     NULL, EMFILE, false)
CALL(FILE *, fopen64, (const char *restrict path, const char *restrict mode),
     (path, mode), NULL, EMFILE, false)

/* A non-blocking eventfd knows no error but EAGAIN, and that is not one that comes and
 * goes: reading and writing it does not fail. */
enum { FDS_MAX = 1 << 16 };

static _Atomic bool is_eventfd[FDS_MAX];

int eventfd(unsigned value, int flags)
{
    NEXT(eventfd);
    int fd = fails("eventfd", EMFILE, false) ? -1 : next(value, flags);
    if (fd >= 0 && fd < FDS_MAX)
        is_eventfd[fd] = true;
    return fd;
}

int close(int fd)
{
    NEXT(close);
    if (fd >= 0 && fd < FDS_MAX)
        is_eventfd[fd] = false;
    return next(fd);
}

static bool knows_errors(int fd)
{
    return fd < 0 || fd >= FDS_MAX || !is_eventfd[fd];
}

ssize_t read(int fd, void *bytes, size_t size)
{
    NEXT(read);
    if (knows_errors(fd) && fails("read", ECONNRESET, true))
        return -1;
    return next(fd, bytes, size);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    NEXT(write);
    if (knows_errors(fd) && fails("write", ECONNRESET, true))
        return -1;
    return next(fd, bytes, size);
}

/* Taking a watched descriptor out of a set needs no memory: it does not fail. (And where
 * it did libmicrohttpd would end the process.) */
int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    NEXT(epoll_ctl);
    if (operation != EPOLL_CTL_DEL && fails("epoll_ctl", ENOMEM, false))
        return -1;
    return next(set, operation, fd, event);
}

/* The variadic ones: at most one more argument, an integer or a pointer. */
#define VARIADIC(name, parameters, last, arguments, error)                               \
    int name parameters                                                                  \
    {                                                                                    \
        NEXT(name);                                                                      \
        va_list list;                                                                    \
        va_start(list, last);                                                            \
        void *more = va_arg(list, void *);                                               \
        va_end(list);                                                                    \
        if (fails(#name, error, false))                                                  \
            return -1;                                                                   \
        return next arguments;                                                           \
    }

VARIADIC(open, (const char *path, int flags, ...), flags, (path, flags, more), EMFILE)
VARIADIC(open64, (const char *path, int flags, ...), flags, (path, flags, more), EMFILE)
VARIADIC(openat, (int folder, const char *path, int flags, ...), flags,
         (folder, path, flags, more), EMFILE)
VARIADIC(fcntl, (int fd, int command, ...), command, (fd, command, more), ENOLCK)
VARIADIC(fcntl64, (int fd, int command, ...), command, (fd, command, more), ENOLCK)
VARIADIC(ioctl, (int fd, unsigned long request, ...), request, (fd, request, more), EIO)
