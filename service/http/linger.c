/* SPDX-License-Identifier: Apache-2.0 */
/* Reads refused requests' remaining bytes into nothing until the client stops, for at
 * most two seconds and a megabyte each (nginx calls it lingering close). It answers
 * nothing and counts no client: for everybody else the connection has ended. Called by
 * client.c and, for clients above the limit of connections, by
 * listener_accept.c. */
#include "http/linger.h"

#include "base/memory.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGER_MAX = 64, LINGER_MS = 2000, LINGER_BYTES = 1024 * 1024 };

struct lingering {
    struct list node;
    struct linger_set *set;
    struct watch watch;
    struct timer timer;
    int fd;
    size_t discarded;
};

static void end(struct lingering *socket)
{
    loop_unwatch(socket->set->loop, &socket->watch);
    loop_timer_clear(socket->set->loop, &socket->timer);
    list_remove(&socket->node);
    socket->set->count--;
    close(socket->fd);
    free(socket);
}

static void on_ready(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct lingering *socket = container_of(watch, struct lingering, watch);
    char nothing[16 * 1024];
    ssize_t got = recv(socket->fd, nothing, sizeof nothing, MSG_DONTWAIT);
    if (got > 0)
        socket->discarded += (size_t)got;
    if (got <= 0 || socket->discarded > LINGER_BYTES)
        end(socket);
}

static void on_due(struct timer *timer)
{
    end(container_of(timer, struct lingering, timer));
}

void linger_init(struct linger_set *set, struct loop *loop)
{
    *set = (struct linger_set){.loop = loop};
    list_init(&set->sockets);
}

void linger_done(struct linger_set *set)
{
    while (!list_is_empty(&set->sockets))
        end(container_of(list_first(&set->sockets), struct lingering, node));
}

void linger_add(struct linger_set *set, int fd)
{
    if (set->count == LINGER_MAX)
        end(container_of(list_first(&set->sockets), struct lingering, node));
    struct lingering *socket = memory_new(sizeof *socket);
    socket->set = set;
    socket->fd = fd;
    socket->watch.on_ready = on_ready;
    socket->timer.on_due = on_due;
    list_push_back(&set->sockets, &socket->node);
    set->count++;
    loop_timer_set(set->loop, &socket->timer, set->loop->now_ms + LINGER_MS);
    if (!loop_watch(set->loop, &socket->watch, fd, EPOLLIN))
        end(socket);
}
