/* SPDX-License-Identifier: Apache-2.0 */
/*   waiting ──connects, is the same user──► given ──"ready"──► taken: on_taken
 *      ▲                                      │
 *      └───── ends, or is not ready in time ──┘
 *
 * The sockets stay open and served here until "ready": both processes have them, and what
 * is never accepted by the one is by the other. Called by serve.c. */
#include "predecessor.h"

#include "base/log.h"
#include "base/memory.h"
#include "handover_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READY_WITHIN_MS = 60000 };

struct predecessor {
    struct predecessor_setup setup;
    char *path;
    struct watch door;
    struct watch talk; /* with the new process, while there is one */
    struct timer patience;
    struct socket_offers *given; /* to it */
    bool is_taken;
};

static void hang_up(struct predecessor *predecessor)
{
    loop_timer_clear(predecessor->setup.loop, &predecessor->patience);
    loop_unwatch(predecessor->setup.loop, &predecessor->talk);
    close(predecessor->talk.fd);
    free(predecessor->given);
    predecessor->given = NULL;
}

static void give_up(struct predecessor *predecessor, const char *why)
{
    log_message(LOG_WARNING, "handover_failed", why);
    hang_up(predecessor);
}

/* First the word: one that cannot be told any more has ended, and its sockets with it. */
static void take(struct predecessor *predecessor)
{
    ssize_t sent = send(predecessor->talk.fd, "yours", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        give_up(predecessor, "the new process ended when it was ready; serving on");
        return;
    }
    for (size_t i = 0; i < predecessor->given->count; i++) {
        if (predecessor->given->items[i].fd >= 0)
            listener_give(predecessor->setup.listener, i);
    }
    predecessor->is_taken = true;
    hang_up(predecessor);
    loop_unwatch(predecessor->setup.loop, &predecessor->door);
    close(predecessor->door.fd);
    predecessor->setup.on_taken(predecessor->setup.context);
}

static void on_talk(struct watch *watch, uint32_t events)
{
    (void)events;
    struct predecessor *predecessor = container_of(watch, struct predecessor, talk);
    char text[HANDOVER_READY_MAX];
    ssize_t got = recv(watch->fd, text, sizeof text, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        give_up(predecessor, "the new process ended before it was ready; serving on");
    else if (!handover_read_ready(text, (size_t)got, predecessor->given))
        give_up(predecessor, "the new process speaks otherwise; serving on");
    else
        take(predecessor);
}

static void on_patience_over(struct timer *timer)
{
    struct predecessor *predecessor = container_of(timer, struct predecessor, patience);
    ssize_t sent = send(predecessor->talk.fd, "late", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
    give_up(predecessor, "the new process was not ready within a minute; serving on");
}

/* Returns false, with the reason, when it gets nothing. */
static bool give(struct predecessor *predecessor, int fd, pid_t *ret_pid,
                 struct error *err)
{
    struct socket_offers *given = memory_new(sizeof *given);
    predecessor->given = given;
    if (!handover_peer(fd, ret_pid, err))
        return false;
    if (!listener_describe(predecessor->setup.listener, given) ||
        !socket_offers_add(given, OFFER_HANDOVER, "", predecessor->door.fd, false))
        return error_set(err, ERROR_SYSTEM, "more sockets than a message holds");
    return handover_send_offers(fd, given, err) &&
           (loop_watch(predecessor->setup.loop, &predecessor->talk, fd, EPOLLIN) ||
            error_set_errno(err, errno, "cannot watch the new process"));
}

static void log_given(const struct predecessor *predecessor, pid_t pid)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, "handover");
    log_int(&line, "to", pid);
    log_int(&line, "sockets", (int64_t)predecessor->given->count);
    log_end(&line);
}

static void on_door(struct watch *watch, uint32_t events)
{
    (void)events;
    struct predecessor *predecessor = container_of(watch, struct predecessor, door);
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct error err;
    pid_t pid;
    if (predecessor->given) {
        log_message(LOG_WARNING, "handover_failed", "another process is taking over");
        close(fd);
    } else if (give(predecessor, fd, &pid, &err)) {
        log_given(predecessor, pid);
        loop_timer_set(predecessor->setup.loop, &predecessor->patience,
                       predecessor->setup.loop->now_ms + READY_WITHIN_MS);
    } else {
        predecessor->talk.fd = fd;
        give_up(predecessor, err.text);
    }
}

struct predecessor *predecessor_start(const struct predecessor_setup *setup,
                                      struct error *err)
{
    struct predecessor *predecessor = memory_new(sizeof *predecessor);
    predecessor->setup = *setup;
    predecessor->path = memory_copy_text(setup->address + strlen("unix:"));
    predecessor->door.fd = setup->fd;
    predecessor->door.on_ready = on_door;
    predecessor->talk.on_ready = on_talk;
    predecessor->patience.on_due = on_patience_over;
    if (loop_watch(setup->loop, &predecessor->door, setup->fd, EPOLLIN))
        return predecessor;
    error_set_errno(err, errno, "cannot watch server.handover");
    close(setup->fd);
    free(predecessor->path);
    free(predecessor);
    return NULL;
}

void predecessor_end(struct predecessor *predecessor)
{
    if (!predecessor)
        return;
    if (predecessor->given)
        give_up(predecessor, "this process ends; so does the hand-over");
    if (!predecessor->is_taken) {
        loop_unwatch(predecessor->setup.loop, &predecessor->door);
        close(predecessor->door.fd);
        unlink(predecessor->path);
    }
    free(predecessor->path);
    free(predecessor);
}
