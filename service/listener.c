/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets: opened or taken over, moved, given away, closed. What comes by them is
 * listener_accept.c's. */
#include "listener_state.h"

#include "base/memory.h"
#include "listen_address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct listener *listener_new(const struct listener_setup *setup)
{
    struct listener *listener = memory_new(sizeof *listener);
    listener->setup = *setup;
    listener->counted_max = setup->max_connections;
    listener->pause.on_due = listener_on_pause_over;
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
    open->watch.on_ready = listener_on_acceptable;
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

static bool is_wildcard(const char *host, size_t len)
{
    return len == 0 || (len == 1 && *host == '*') ||
           (len == 7 && memcmp(host, "0.0.0.0", len) == 0) ||
           (len == 4 && memcmp(host, "[::]", len) == 0);
}

/* Of one port a wildcard is in the way of all addresses, any other of its own alone. */
static bool is_in_the_way(const struct open_socket *open, const char *address)
{
    char bound[LISTEN_ADDRESS_TEXT];
    listen_address_text(open->watch.fd, bound, sizeof bound);
    if (strncmp(address, "unix:", 5) == 0)
        return strcmp(bound, address) == 0;
    const char *port = strrchr(address, ':'), *other = strrchr(bound, ':');
    if (strncmp(bound, "unix:", 5) == 0 || !port || !other || strcmp(port, other) != 0)
        return false;
    size_t len = (size_t)(port - address), bound_len = (size_t)(other - bound);
    return is_wildcard(address, len) || is_wildcard(bound, bound_len) ||
           (len == bound_len && memcmp(address, bound, len) == 0);
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
        if (!listener_accept_one(open))
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
