/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts, balances, refuses. It reads no byte of a request: above the connection limit
 * the answer is a fixed 503, written before anything is read, then a lingering close, so
 * that the client sees the answer and not a reset. */
#include "listener_state.h"

#include "base/log.h"
#include "base/random.h"
#include "http/problem.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_EVENT = 64,
    PAUSE_MS = 100, /* when accept finds no descriptor: epoll would spin */
};

static const char *const refusals[REFUSAL_REASON_COUNT] = {
    [REFUSED_BY_LIMIT] =
        "too many connections (server.max_connections); try again in a second",
    [REFUSED_BY_ADDRESS] = "too many connections from this address "
                           "(server.max_connections_per_address); use those there are",
};

static void refuse(struct listener *listener, int fd, enum refusal_reason reason)
{
    char request_id[33];
    random_hex(request_id, 16);
    struct buffer message;
    buffer_init(&message, 4096);
    problem_message(&message, PROBLEM_OVERLOADED, refusals[reason], request_id);
    metrics_add(listener->setup.metrics, METRIC_CLIENT_REFUSED, reason, 1);
    ssize_t sent = send(fd, message.data, message.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    bool is_sent = sent == (ssize_t)message.len;
    buffer_done(&message);
    shutdown(fd, SHUT_WR);
    if (is_sent)
        linger_add(&listener->lingering, fd);
    else
        close(fd);
}

/* Ties go to the first worker: its connection pool is the warmest. */
static struct worker *least_loaded(const struct listener *listener)
{
    struct worker *best = listener->setup.workers[0];
    for (unsigned i = 1; i < listener->setup.worker_count; i++) {
        struct worker *other = listener->setup.workers[i];
        if (worker_open_count(other) < worker_open_count(best))
            best = other;
    }
    return best;
}

/* A proxy on this machine carries everybody's connections, and so may a unix socket. */
static bool is_address_full(struct listener *listener, int fd,
                            const struct sockaddr_storage *address)
{
    struct address_key key;
    return listener->setup.counts &&
           address_key_of((const struct sockaddr *)address, &key) &&
           !address_key_is_loopback(&key) &&
           !address_counts_take(listener->setup.counts, &key, fd);
}

static void place(struct listener *listener, const struct front_arrival *arrival)
{
    enum front_role role = arrival->role;
    /* Operators must get through when clients fill the house. */
    unsigned limit =
        role == FRONT_OPS ? UINT32_MAX : (unsigned)listener->setup.max_connections;
    if (atomic_fetch_add(&listener->setup.state->open_connections, 1) >= limit) {
        atomic_fetch_sub(&listener->setup.state->open_connections, 1);
        refuse(listener, arrival->fd, REFUSED_BY_LIMIT);
        return;
    }
    if (role == FRONT_MAIN && is_address_full(listener, arrival->fd, &arrival->address)) {
        atomic_fetch_sub(&listener->setup.state->open_connections, 1);
        refuse(listener, arrival->fd, REFUSED_BY_ADDRESS);
        return;
    }
    worker_adopt(least_loaded(listener), arrival);
}

static struct log_class paused_lines = LOG_CLASS(1, 1);
static struct log_class failed_lines = LOG_CLASS(1, 1);

static void note_failure(const struct listener *listener, const char *message)
{
    log_message_class(LOG_ERROR, "accept_failed", message, &failed_lines,
                      listener->setup.loop->now_us);
}

static void pause_accepting(struct listener *listener)
{
    log_message_class(LOG_WARNING, "accept_paused",
                      "no descriptor left for new connections", &paused_lines,
                      listener->setup.loop->now_us);
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        if (open->watch.is_watched &&
            !loop_watch(listener->setup.loop, &open->watch, open->watch.fd, 0))
            note_failure(listener, "cannot pause a listener");
    }
    loop_timer_set(listener->setup.loop, &listener->pause,
                   listener->setup.loop->now_ms + PAUSE_MS);
}

bool listener_accept_one(struct open_socket *open)
{
    struct front_arrival arrival = {.role = open->role,
                                    .is_local = open->is_local,
                                    .address_len = sizeof arrival.address};
    arrival.fd = accept4(open->watch.fd, (struct sockaddr *)&arrival.address,
                         &arrival.address_len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (arrival.fd >= 0) {
        place(open->listener, &arrival);
        return true;
    }
    if (errno == ECONNABORTED || errno == EINTR || errno == EPROTO)
        return true;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_accepting(open->listener);
    return false;
}

void listener_on_acceptable(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct open_socket *open = container_of(watch, struct open_socket, watch);
    for (int i = 0; i < ACCEPTS_PER_EVENT && listener_accept_one(open); i++)
        ;
}

void listener_on_pause_over(struct timer *timer)
{
    struct listener *listener = container_of(timer, struct listener, pause);
    struct error err;
    if (!listener_start(listener, &err))
        note_failure(listener, err.text);
}
