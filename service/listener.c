/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts, balances, refuses. It reads no byte of a request: above the connection limit
 * the answer is a fixed 503, written before anything is read, then a lingering close, so
 * that the client sees the answer and not a reset. */
#include "listener.h"

#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "http/linger.h"
#include "http/problem.h"
#include "listen_address.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_EVENT = 64,
    PAUSE_MS = 100, /* when accept finds no descriptor: epoll would spin */
};

struct open_socket {
    struct list node;
    struct watch watch;
    struct listener *listener;
    enum front_role role;
    bool is_local;    /* as struct front_arrival has it */
    bool is_borrowed; /* as struct socket_offer has it */
    bool is_given;    /* another gatherd serves it, or still does */
    bool is_disowned;
    size_t number; /* in the list that listener_describe made, from 1 */
    char *address; /* as the configuration has it */
};

struct listener {
    struct listener_setup setup;
    uint64_t counted_max; /* connections that setup.counts has room for */
    struct socket_offers *offers;
    struct list sockets;
    struct linger_set lingering; /* refused clients on their way out */
    struct timer pause;
};

/* -------------------------------------------------------------------- refusing */

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

/* ------------------------------------------------------------------- accepting */

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

/* Returns false when nothing more is to be accepted now. */
static bool accept_one(struct open_socket *open)
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

static void on_acceptable(struct watch *watch, uint32_t ready)
{
    (void)ready;
    struct open_socket *open = container_of(watch, struct open_socket, watch);
    for (int i = 0; i < ACCEPTS_PER_EVENT && accept_one(open); i++)
        ;
}

static void on_pause_over(struct timer *timer)
{
    struct listener *listener = container_of(timer, struct listener, pause);
    struct error err;
    if (!listener_start(listener, &err))
        note_failure(listener, err.text);
}

/* ------------------------------------------------------------------- lifecycle */

struct listener *listener_new(const struct listener_setup *setup)
{
    struct listener *listener = memory_new(sizeof *listener);
    listener->setup = *setup;
    listener->counted_max = setup->max_connections;
    listener->pause.on_due = on_pause_over;
    list_init(&listener->sockets);
    linger_init(&listener->lingering, setup->loop);
    return listener;
}

void listener_use(struct listener *listener, struct socket_offers *offers)
{
    listener->offers = offers;
}

static struct open_socket *add_socket(struct listener *listener, int fd,
                                      const char *address, enum front_role role)
{
    struct open_socket *open = memory_new(sizeof *open);
    open->listener = listener;
    open->role = role;
    open->is_local = listen_address_is_local(fd);
    open->address = memory_copy_text(address);
    open->watch.fd = fd;
    open->watch.on_ready = on_acceptable;
    list_push_back(&listener->sockets, &open->node);
    return open;
}

/* *ret_count: how many sockets were there for the address. */
static bool open_offered(struct listener *listener, const char *address,
                         enum front_role role, size_t *ret_count, struct error *err)
{
    struct socket_offer offer;
    *ret_count = 0;
    while (listener->offers &&
           socket_offers_take(listener->offers, role, address, &offer)) {
        if (!listen_address_adopt(offer.fd, address, err)) {
            close(offer.fd);
            return false;
        }
        struct open_socket *open = add_socket(listener, offer.fd, address, role);
        open->is_borrowed = offer.is_borrowed;
        open->is_given = offer.kind != OFFER_NAMED;
        ++*ret_count;
    }
    return true;
}

/* Of one port every address counts: a wildcard is in the way of all. */
static bool is_in_the_way(const struct open_socket *open, const char *address)
{
    char bound[LISTEN_ADDRESS_TEXT];
    listen_address_text(open->watch.fd, bound, sizeof bound);
    if (strncmp(address, "unix:", 5) == 0)
        return strcmp(bound, address) == 0;
    const char *port = strrchr(address, ':'), *other = strrchr(bound, ':');
    return strncmp(bound, "unix:", 5) != 0 && port && other && strcmp(port, other) == 0;
}

/* If it is not another process that listens there. */
static void name_own(const struct listener *listener, const char *address,
                     struct error *err)
{
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        if (!is_in_the_way(open, address))
            continue;
        error_set(
            err, ERROR_IN_USE,
            "%s: the address is in use: gatherd itself listens there (%s: %s); if "
            "this one is to replace that one, remove that one first, in a reload of "
            "its own",
            address, open->role == FRONT_OPS ? "ops.listen" : "server.listen",
            open->address);
        return;
    }
}

bool listener_open(struct listener *listener, const char *address, enum front_role role,
                   struct error *err)
{
    size_t offered;
    if (!open_offered(listener, address, role, &offered, err))
        return false;
    if (offered > 0)
        return true;
    struct listen_sockets sockets;
    if (!listen_address_open(address, &sockets, err)) {
        if (err->kind == ERROR_IN_USE)
            name_own(listener, address, err);
        return false;
    }
    for (size_t i = 0; i < sockets.count; i++)
        add_socket(listener, sockets.fds[i], address, role)->is_borrowed =
            strncmp(address, "fd:", 3) == 0;
    return true;
}

void listener_addresses(const struct listener *listener, enum front_role role,
                        struct buffer *out)
{
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        if (open->role != role)
            continue;
        char text[LISTEN_ADDRESS_TEXT];
        listen_address_text(open->watch.fd, text, sizeof text);
        if (out->len)
            buffer_append_text(out, ", ");
        buffer_append_text(out, text);
    }
}

bool listener_refuse_own(const struct listener *listener, struct snapshot *snapshot,
                         const struct snapshot *known, struct error *err)
{
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        struct sockaddr_storage name;
        socklen_t len = sizeof name;
        if (!open->is_disowned &&
            getsockname(open->watch.fd, (struct sockaddr *)&name, &len) == 0 &&
            !snapshot_add_own(snapshot, (const struct sockaddr *)&name, known, err))
            return false;
    }
    return true;
}

static bool is_of(const struct open_socket *open, const char *address,
                  enum front_role role)
{
    return open->role == role && strcmp(open->address, address) == 0;
}

void listener_disown(struct listener *listener, const char *address, enum front_role role,
                     bool is_disowned)
{
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        if (is_of(open, address, role))
            open->is_disowned = is_disowned;
    }
}

void listener_move(struct listener *listener, const char *address, enum front_role from,
                   enum front_role to)
{
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        if (is_of(open, address, from))
            open->role = to;
    }
}

bool listener_start(struct listener *listener, struct error *err)
{
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        if (!loop_watch(listener->setup.loop, &open->watch, open->watch.fd, EPOLLIN))
            return error_set_errno(err, errno, "cannot watch a listening socket");
    }
    return true;
}

static bool is_left_to_others(const struct open_socket *open)
{
    return open->is_borrowed || open->is_given;
}

static void close_socket(struct open_socket *open)
{
    char text[LISTEN_ADDRESS_TEXT];
    listen_address_text(open->watch.fd, text, sizeof text);
    loop_unwatch(open->listener->setup.loop, &open->watch);
    close(open->watch.fd);
    if (strncmp(text, "unix:", 5) == 0 && !is_left_to_others(open))
        unlink(text + 5);
    list_remove(&open->node);
    free(open->address);
    free(open);
}

/* Those that waited when it began: a flood of new ones would hold main here. */
static void take_waiting(struct open_socket *open)
{
    int left = LISTEN_BACKLOG + 1; /* Linux queues one more than it is asked for */
    while (open->watch.is_watched && !is_left_to_others(open) && left-- > 0) {
        if (!accept_one(open))
            return;
    }
}

/* `address`: NULL for any. */
static void close_some(struct listener *listener, const char *address,
                       enum front_role role)
{
    for (struct list *node = listener->sockets.next; node != &listener->sockets;) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        node = node->next;
        if (open->role != role || (address && strcmp(open->address, address) != 0))
            continue;
        take_waiting(open);
        close_socket(open);
    }
}

void listener_close(struct listener *listener, enum front_role role)
{
    close_some(listener, NULL, role);
}

void listener_close_address(struct listener *listener, const char *address,
                            enum front_role role)
{
    close_some(listener, address, role);
}

void listener_limit(struct listener *listener, uint64_t max_connections)
{
    uint64_t most = listener->setup.counts ? listener->counted_max : UINT64_MAX;
    listener->setup.max_connections = max_connections < most ? max_connections : most;
}

bool listener_describe(struct listener *listener, struct socket_offers *ret_offers)
{
    ret_offers->count = 0;
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        enum socket_offer_kind kind = open->role == FRONT_OPS ? OFFER_OPS : OFFER_MAIN;
        if (!socket_offers_add(ret_offers, kind, open->address, open->watch.fd,
                               open->is_borrowed))
            return false;
        open->number = ret_offers->count;
    }
    return true;
}

void listener_give(struct listener *listener, size_t index)
{
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        open->is_given = open->is_given || open->number == index + 1;
    }
}

void listener_keep(struct listener *listener)
{
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next)
        container_of(node, struct open_socket, node)->is_given = false;
}

bool listener_is_borrowed(const struct listener *listener, enum front_role role)
{
    bool is_borrowed = true;
    for (struct list *node = listener->sockets.next; node != &listener->sockets;
         node = node->next) {
        struct open_socket *open = container_of(node, struct open_socket, node);
        is_borrowed = is_borrowed && (open->role != role || open->is_borrowed);
    }
    return is_borrowed;
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    while (!list_is_empty(&listener->sockets))
        close_socket(container_of(listener->sockets.next, struct open_socket, node));
    linger_done(&listener->lingering);
    loop_timer_clear(listener->setup.loop, &listener->pause);
    free(listener);
}
