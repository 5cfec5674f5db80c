/* SPDX-License-Identifier: Apache-2.0 */
/*   waiting ──connects, is the same user──► given ──"ready"──► taken: on_taken
 *      ▲                                      │
 *      └───── ends, or is not ready in time ──┘
 *
 * The sockets stay open and served here until "ready": both processes have them, and what
 * is never accepted by the one is by the other. Called by serve.c. */
#include "handover.h"

#include "base/log.h"
#include "base/memory.h"
#include "handover_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READY_WITHIN_MS = 60000 };

struct handover {
    struct handover_setup setup;
    char *path;
    struct watch door;
    struct watch talk; /* with the new process, while there is one */
    struct timer patience;
    struct socket_offers *given; /* to it */
    bool is_taken;
};

static void hang_up(struct handover *handover)
{
    loop_timer_clear(handover->setup.loop, &handover->patience);
    loop_unwatch(handover->setup.loop, &handover->talk);
    close(handover->talk.fd);
    free(handover->given);
    handover->given = NULL;
}

static void give_up(struct handover *handover, const char *why)
{
    log_message(LOG_WARNING, "handover_failed", why);
    hang_up(handover);
}

static void take(struct handover *handover)
{
    for (size_t i = 0; i < handover->given->count; i++) {
        if (handover->given->items[i].fd >= 0)
            listener_give(handover->setup.listener, i);
    }
    handover->is_taken = true;
    ssize_t sent = send(handover->talk.fd, "yours", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* a process that ended this very moment: its sockets are lost with it */
    hang_up(handover);
    loop_unwatch(handover->setup.loop, &handover->door);
    close(handover->door.fd);
    handover->setup.on_taken(handover->setup.context);
}

static void on_talk(struct watch *watch, uint32_t events)
{
    (void)events;
    struct handover *handover = container_of(watch, struct handover, talk);
    char text[HANDOVER_READY_MAX];
    ssize_t got = recv(watch->fd, text, sizeof text, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        give_up(handover, "the new process ended before it was ready; serving on");
    else if (!handover_read_ready(text, (size_t)got, handover->given))
        give_up(handover, "the new process speaks otherwise; serving on");
    else
        take(handover);
}

static void on_patience_over(struct timer *timer)
{
    struct handover *handover = container_of(timer, struct handover, patience);
    ssize_t sent = send(handover->talk.fd, "late", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent;
    give_up(handover, "the new process was not ready within a minute; serving on");
}

/* Returns false, with the reason, when it gets nothing. */
static bool give(struct handover *handover, int fd, pid_t *ret_pid, struct error *err)
{
    struct socket_offers *given = memory_new(sizeof *given);
    handover->given = given;
    if (!handover_peer(fd, ret_pid, err))
        return false;
    if (!listener_describe(handover->setup.listener, given) ||
        !socket_offers_add(given, OFFER_HANDOVER, "", handover->door.fd, false))
        return error_set(err, ERROR_SYSTEM, "more sockets than a message holds");
    return handover_send_offers(fd, given, err) &&
           (loop_watch(handover->setup.loop, &handover->talk, fd, EPOLLIN) ||
            error_set_errno(err, errno, "cannot watch the new process"));
}

static void log_given(const struct handover *handover, pid_t pid)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, "handover");
    log_int(&line, "to", pid);
    log_int(&line, "sockets", (int64_t)handover->given->count);
    log_end(&line);
}

static void on_door(struct watch *watch, uint32_t events)
{
    (void)events;
    struct handover *handover = container_of(watch, struct handover, door);
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct error err;
    pid_t pid;
    if (handover->given) {
        log_message(LOG_WARNING, "handover_failed", "another process is taking over");
        close(fd);
    } else if (give(handover, fd, &pid, &err)) {
        log_given(handover, pid);
        loop_timer_set(handover->setup.loop, &handover->patience,
                       handover->setup.loop->now_ms + READY_WITHIN_MS);
    } else {
        handover->talk.fd = fd;
        give_up(handover, err.text);
    }
}

struct handover *handover_start(const struct handover_setup *setup, struct error *err)
{
    struct handover *handover = memory_new(sizeof *handover);
    handover->setup = *setup;
    handover->path = memory_copy_text(setup->address + strlen("unix:"));
    handover->door.fd = setup->fd;
    handover->door.on_ready = on_door;
    handover->talk.on_ready = on_talk;
    handover->patience.on_due = on_patience_over;
    if (loop_watch(setup->loop, &handover->door, setup->fd, EPOLLIN))
        return handover;
    error_set_errno(err, errno, "cannot watch server.handover");
    close(setup->fd);
    free(handover->path);
    free(handover);
    return NULL;
}

void handover_end(struct handover *handover)
{
    if (!handover)
        return;
    if (handover->given)
        give_up(handover, "this process ends; so does the hand-over");
    if (!handover->is_taken) {
        loop_unwatch(handover->setup.loop, &handover->door);
        close(handover->door.fd);
        unlink(handover->path);
    }
    free(handover->path);
    free(handover);
}
