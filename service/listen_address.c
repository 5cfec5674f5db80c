/* SPDX-License-Identifier: Apache-2.0 */
/* Binding: TCP by host and port, unix sockets (a stale file is removed, a live one is
 * not), and sockets inherited from a service manager. Blocking name look-ups are fine
 * here: it runs once, at start. Called by listener.c. */
#include "listen_address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool start_listening(int fd, const char *address, struct listen_sockets *sockets,
                            struct error *err)
{
    if (listen(fd, LISTEN_BACKLOG) != 0) {
        error_set_errno(err, errno, "%s: cannot listen", address);
        close(fd);
        return false;
    }
    sockets->fds[sockets->count++] = fd;
    return true;
}

static bool bind_failed(int fd, const char *address, int failure, struct error *err)
{
    if (fd >= 0)
        close(fd);
    if (failure == EADDRINUSE)
        return error_set(
            err, ERROR_IN_USE,
            "%s: the address is in use: another process listens there; stop it or "
            "change server.listen (--set 'server.listen=[\"127.0.0.1:PORT\"]')",
            address);
    if (failure == EACCES)
        return error_set(err, ERROR_SYSTEM,
                         "%s: not allowed: ports below 1024 need CAP_NET_BIND_SERVICE",
                         address);
    return error_set_errno(err, failure, "%s: cannot bind", address);
}

static bool open_one(const struct addrinfo *info, const char *address,
                     struct listen_sockets *sockets, struct error *err)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return bind_failed(fd, address, errno, err);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
               sizeof on); /* accepted sockets inherit it */
    if (info->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0)
        return bind_failed(fd, address, errno, err);
    return start_listening(fd, address, sockets, err);
}

/* "host:port" or "[v6]:port" into its two parts. */
static bool split(const char *address, char *host, size_t host_size,
                  const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    if (!colon || colon == address || !colon[1])
        return false;
    const char *start = address;
    size_t len = (size_t)(colon - address);
    if (*start == '[' && start[len - 1] == ']') {
        start++;
        len -= 2;
    }
    if (len == 0 || len >= host_size)
        return false;
    memcpy(host, start, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return true;
}

static bool open_tcp(const char *address, struct listen_sockets *sockets,
                     struct error *err)
{
    char host[256];
    const char *port;
    if (!split(address, host, sizeof host, &port))
        return error_set(
            err, ERROR_INVALID,
            "%s: not an address to listen on: write host:port, \"[v6]:port\", "
            "unix:/path or fd:N",
            address);
    const struct addrinfo wanted = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    struct addrinfo *found;
    int failure = getaddrinfo(host, port, &wanted, &found);
    if (failure)
        return error_set(err, ERROR_SYSTEM, "%s: %s", address, gai_strerror(failure));
    bool done = true;
    for (struct addrinfo *info = found; info && done; info = info->ai_next) {
        if (sockets->count < LISTEN_SOCKETS_MAX)
            done = open_one(info, address, sockets, err);
    }
    freeaddrinfo(found);
    return done;
}

/* A socket file nobody listens on any more may be replaced. */
static void remove_stale(const struct sockaddr_un *name)
{
    struct stat status;
    if (lstat(name->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return;
    if (connect(probe, (const struct sockaddr *)name, sizeof *name) != 0 &&
        errno == ECONNREFUSED)
        unlink(name->sun_path);
    close(probe);
}

static bool is_socket_or_free(const struct sockaddr_un *name)
{
    struct stat status;
    return lstat(name->sun_path, &status) != 0 || S_ISSOCK(status.st_mode);
}

static bool open_unix(const char *address, struct listen_sockets *sockets,
                      struct error *err)
{
    const char *path = address + strlen("unix:");
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof name.sun_path)
        return error_set(err, ERROR_INVALID, "%s: the path is empty or over %zu bytes",
                         address, sizeof name.sun_path - 1);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    remove_stale(&name);
    if (!is_socket_or_free(&name))
        return error_set(err, ERROR_SYSTEM,
                         "%s: a file is there that is no socket; choose another path",
                         address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0)
        return bind_failed(fd, address, errno, err);
    return start_listening(fd, address, sockets, err);
}

bool listen_address_adopt(int fd, const char *address, struct error *err)
{
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening)
        return error_set(err, ERROR_INVALID,
                         "%s: not a listening socket this process inherited", address);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    int on = 1; /* a manager's may lack it; of a unix socket it is refused */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

static bool take_inherited(const char *address, struct listen_sockets *sockets,
                           struct error *err)
{
    const char *number = address + strlen("fd:");
    char *end;
    long fd = strtol(number, &end, 10);
    if (*number < '0' || *number > '9' || *end)
        return error_set(err, ERROR_SYSTEM,
                         "%s: no service manager handed over a socket of that name "
                         "(FileDescriptorName= in the socket unit)",
                         address);
    if (fd < 3 || fd > 65535)
        return error_set(err, ERROR_INVALID, "%s: write a descriptor from 3 on", address);
    if (!listen_address_adopt((int)fd, address, err))
        return false;
    sockets->fds[sockets->count++] = (int)fd;
    return true;
}

bool listen_address_open(const char *address, struct listen_sockets *ret_sockets,
                         struct error *err)
{
    struct listen_sockets sockets = {.count = 0};
    bool done;
    if (strncmp(address, "unix:", 5) == 0)
        done = open_unix(address, &sockets, err);
    else if (strncmp(address, "fd:", 3) == 0)
        done = take_inherited(address, &sockets, err);
    else
        done = open_tcp(address, &sockets, err);
    if (!done) {
        while (sockets.count > 0)
            close(sockets.fds[--sockets.count]);
        return false;
    }
    *ret_sockets = sockets;
    return true;
}

bool listen_address_is_local(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_storage room;
    } name;
    socklen_t len = sizeof name;
    if (getsockname(fd, &name.any, &len) != 0)
        return false;
    switch (name.any.sa_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(name.four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&name.six.sin6_addr);
    default:
        return false;
    }
}

void listen_address_text(int fd, char *text, size_t size)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    char host[INET6_ADDRSTRLEN];
    char port[8];
    snprintf(text, size, "?");
    if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
        return;
    if (name.ss_family == AF_UNIX) {
        snprintf(text, size, "unix:%s", ((struct sockaddr_un *)&name)->sun_path);
    } else if (getnameinfo((struct sockaddr *)&name, len, host, sizeof host, port,
                           sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        bool is_v6 = name.ss_family == AF_INET6;
        snprintf(text, size, is_v6 ? "[%s]:%s" : "%s:%s", host, port);
    }
}
