/* SPDX-License-Identifier: Apache-2.0 */
/* One message each way and an answer. The list is "gatherd 1" and then, for each socket,
 * a letter for its kind, 0 or 1 for borrowed, and its label, each ended by a zero byte;
 * the sockets travel beside it (SCM_RIGHTS, unix(7)). Called by predecessor.c and
 * successor.c. */
#include "handover_socket.h"

#include "base/memory.h"
#include "listen_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ONE_ENTRY_MAX = 2 + SOCKET_LABEL_MAX,
    LIST_MAX = 16 + SOCKET_OFFERS_MAX * ONE_ENTRY_MAX,
    WAITING_MAX = 4,
};

static const char greeting[] = "gatherd 1"; /* with its zero */
static const char kinds[] = {
    [OFFER_NAMED] = 'n', [OFFER_MAIN] = 'm', [OFFER_OPS] = 'o', [OFFER_HANDOVER] = 'h'};

/* ---------------------------------------------------------------------- the socket */

/* A socket for `path`, and its name; -1: an error was set. */
static int open_socket(const char *path, struct sockaddr_un *ret_name, struct error *err)
{
    *ret_name = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret_name->sun_path) {
        error_set(err, ERROR_INVALID, "%s: the path is over %zu bytes", path,
                  sizeof ret_name->sun_path - 1);
        return -1;
    }
    snprintf(ret_name->sun_path, sizeof ret_name->sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        error_set_errno(err, errno, "%s: cannot make a socket", path);
    return fd;
}

static bool is_nobody_there(int failure)
{
    return failure == ENOENT || failure == ECONNREFUSED;
}

bool handover_connect(const char *path, int *ret_fd, struct error *err)
{
    struct sockaddr_un name;
    int fd = open_socket(path, &name, err);
    int on = 1;
    if (fd < 0)
        return false;
    /* Messages say who sent them; a socket that was handed over itself says for ever who
     * made it (SO_PEERCRED). */
    (void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&name, sizeof name) == 0) {
        *ret_fd = fd;
        return true;
    }
    int failure = errno;
    close(fd);
    if (!is_nobody_there(failure))
        return error_set_errno(err, failure, "server.handover: %s: cannot connect", path);
    *ret_fd = -1;
    return true;
}

/* A socket's file that nobody listens on any more may be replaced; nothing else may. */
static void remove_stale(const struct sockaddr_un *name)
{
    struct stat status;
    if (lstat(name->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return;
    int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return;
    if (connect(probe, (const struct sockaddr *)name, sizeof *name) != 0 &&
        errno == ECONNREFUSED)
        unlink(name->sun_path);
    close(probe);
}

bool handover_listen(const char *path, int *ret_fd, struct error *err)
{
    struct sockaddr_un name;
    int fd = open_socket(path, &name, err);
    if (fd < 0)
        return false;
    remove_stale(&name);
    /* The file gets the mode of the socket, so that it is never open to others. */
    if (fchmod(fd, S_IRUSR | S_IWUSR) != 0 ||
        bind(fd, (const struct sockaddr *)&name, sizeof name) != 0 ||
        listen(fd, WAITING_MAX) != 0) {
        error_set_errno(err, errno, "server.handover: %s: cannot listen", path);
        close(fd);
        return false;
    }
    *ret_fd = fd;
    return true;
}

bool handover_peer(int fd, pid_t *ret_pid, struct error *err)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return error_set_errno(err, errno, "server.handover: who asks cannot be told");
    if (peer.uid != geteuid() && peer.uid != 0)
        return error_set(err, ERROR_INVALID,
                         "server.handover: process %ld is another user's (%ld)",
                         (long)peer.pid, (long)peer.uid);
    *ret_pid = peer.pid;
    return true;
}

/* ------------------------------------------------------------------------ the list */

/* Room for what comes beside a message, aligned as CMSG_FIRSTHDR wants it. */
union rights {
    struct cmsghdr header;
    char room[CMSG_SPACE(SOCKET_OFFERS_MAX * sizeof(int)) +
              CMSG_SPACE(sizeof(struct ucred))];
};

static size_t write_list(const struct socket_offers *offers, char *list)
{
    size_t len = sizeof greeting;
    memcpy(list, greeting, len);
    for (size_t i = 0; i < offers->count; i++) {
        const struct socket_offer *offer = &offers->items[i];
        list[len++] = kinds[offer->kind];
        list[len++] = offer->is_borrowed ? '1' : '0';
        size_t size = strlen(offer->label) + 1;
        memcpy(list + len, offer->label, size);
        len += size;
    }
    return len;
}

bool handover_send_offers(int fd, const struct socket_offers *offers, struct error *err)
{
    char *list = memory_new(LIST_MAX);
    union rights *rights = memory_new(sizeof *rights);
    struct iovec piece = {.iov_base = list, .iov_len = write_list(offers, list)};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = rights->room,
                             .msg_controllen = CMSG_SPACE(offers->count * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(offers->count * sizeof(int));
    for (size_t i = 0; i < offers->count; i++)
        memcpy(CMSG_DATA(header) + i * sizeof(int), &offers->items[i].fd, sizeof(int));
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    int failure = errno;
    free(list);
    free(rights);
    return sent > 0 ||
           error_set_errno(err, failure, "server.handover: the sockets cannot be sent");
}

/* The descriptors that came; their number. */
static size_t descriptors_of(struct msghdr *message, int fds[SOCKET_OFFERS_MAX])
{
    size_t count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t more = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < more && count < SOCKET_OFFERS_MAX; i++, count++)
            memcpy(&fds[count], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
    }
    return count;
}

static pid_t sender_of(struct msghdr *message)
{
    struct ucred sender = {0};
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS &&
            header->cmsg_len == CMSG_LEN(sizeof sender))
            memcpy(&sender, CMSG_DATA(header), sizeof sender);
    }
    return sender.pid;
}

/* One entry at `text`, of which `len` bytes are left; 0: it is none. */
static size_t read_entry(const char *text, size_t len, int fd,
                         struct socket_offers *offers)
{
    size_t size = len < ONE_ENTRY_MAX ? len : ONE_ENTRY_MAX;
    const char *end = size > 2 ? memchr(text + 2, '\0', size - 2) : NULL;
    const char *kind = end ? memchr(kinds, text[0], sizeof kinds) : NULL;
    if (!kind || kind - kinds == OFFER_NAMED ||
        !socket_offers_add(offers, (enum socket_offer_kind)(kind - kinds), text + 2, fd,
                           text[1] == '1'))
        return 0;
    return (size_t)(end + 1 - text);
}

/* Every descriptor ends in `offers` or closed. */
static bool read_list(const char *list, size_t len, const int *fds, size_t count,
                      struct socket_offers *offers)
{
    bool is_right =
        len >= sizeof greeting && memcmp(list, greeting, sizeof greeting) == 0;
    size_t at = sizeof greeting;
    for (size_t i = 0; i < count; i++) {
        size_t used =
            is_right && at < len ? read_entry(list + at, len - at, fds[i], offers) : 0;
        if (used == 0)
            close(fds[i]);
        is_right = is_right && used > 0;
        at += used;
    }
    return is_right && at == len;
}

bool handover_receive_offers(int fd, struct socket_offers *offers, struct error *err)
{
    char *list = memory_new(LIST_MAX);
    union rights *rights = memory_new(sizeof *rights);
    struct iovec piece = {.iov_base = list, .iov_len = LIST_MAX};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = rights->room,
                             .msg_controllen = sizeof rights->room};
    ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    int failure = errno;
    int fds[SOCKET_OFFERS_MAX];
    size_t count = got > 0 ? descriptors_of(&message, fds) : 0;
    offers->from = got > 0 ? sender_of(&message) : 0;
    bool is_whole = got > 0 && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
    bool is_right =
        read_list(list, is_whole ? (size_t)got : 0, fds, count, offers) && is_whole;
    free(list);
    free(rights);
    if (got < 0 && failure != ECONNRESET) /* it ended before it took the call */
        return error_set_errno(err, failure, "server.handover: no sockets came");
    if (got <= 0)
        return error_set(err, ERROR_GONE,
                         "server.handover: the running gatherd gives nothing: its log "
                         "says why");
    return is_right ||
           error_set(err, ERROR_SYSTEM,
                     message.msg_flags & MSG_CTRUNC
                         ? "server.handover: not all sockets came: raise the limit of "
                           "open files"
                         : "server.handover: what runs there speaks otherwise: stop it "
                           "and start this one");
}

/* ----------------------------------------------------------------------- the answer */

static const char ready[] = "ready ";
enum { READY_LEN = sizeof ready - 1 };

void handover_write_ready(const struct socket_offers *offers, size_t count,
                          char text[HANDOVER_READY_MAX])
{
    memcpy(text, ready, READY_LEN);
    for (size_t i = 0; i < count; i++)
        text[READY_LEN + i] = offers->items[i].fd < 0 ? '1' : '0';
    text[READY_LEN + count] = '\0';
}

bool handover_read_ready(const char *text, size_t len, struct socket_offers *offers)
{
    if (len != READY_LEN + offers->count || memcmp(text, ready, READY_LEN) != 0)
        return false;
    for (size_t i = 0; i < offers->count; i++) {
        if (text[READY_LEN + i] != '1')
            offers->items[i].fd = -1;
    }
    return true;
}
