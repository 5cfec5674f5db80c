/* SPDX-License-Identifier: Apache-2.0 */
/* c-ares and the loop: c-ares says which sockets it wants watched (sock_state callback)
 * and when it wants to be called (ares_timeout); the loop calls back, c-ares works, and
 * after it has returned the owner is told to look at what was found.
 *
 * Never calls the owner's code from inside c-ares but to record: c-ares does not allow to
 * be re-entered. Works with c-ares 1.18 and 1.34; newer ones have a cache of their own,
 * which is switched off, because it would outlive dns.ttl_max. Called by resolver.c only.
 * */
#include "fetch/dns_channel.h"

#include "base/memory.h"

#include <ares.h>

#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct dns_channel {
    ares_channel ares;
    struct dns_setup setup;
    struct timer timer;
    struct list sockets;
};

struct dns_socket {
    struct watch watch;
    uint32_t wanted; /* what to wait for; watch.events, unless the kernel refused */
    struct list node;
    struct dns_channel *channel;
};

enum { TRY_TIMEOUT_MIN_MS = 50 };
/* Answers to a few hundred questions may arrive between two turns of the loop. */
enum { RECEIVE_BUFFER_BYTES = 1 << 20 };

static const struct {
    int status;
    const char *message;
} failures[] = {
    {ARES_ENOTFOUND, "no such name"},
    {ARES_ENODATA, "the name has no address"},
    {ARES_ENONAME, "no such name"},
    {ARES_EBADNAME, "not a name that can be looked up"},
    {ARES_ESERVFAIL, "the name server failed"},
    {ARES_EREFUSED, "the name server refused"},
    {ARES_ENOTIMP, "the name server refused"},
    {ARES_EFORMERR, "the name server failed"},
    {ARES_EBADRESP, "the name server's answer is malformed"},
    {ARES_ETIMEOUT, "the name server did not answer in time"},
    /* What c-ares 1.18 also says when every server answered SERVFAIL or REFUSED. */
    {ARES_ECONNREFUSED, "the name servers failed or cannot be reached"},
};

static const char *failure_message(int status)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i].status == status)
            return failures[i].message;
    }
    return "the name could not be looked up";
}

/* Sets the timer to when c-ares next wants to act. To say when, ares_timeout (1.18) walks
 * all its queries: with 20,000 names that nobody answers, asked for after each question
 * and each answer, it was 85 % of the CPU, and everybody's items waited for seconds. So
 * it is asked when the timer rings, and in between it is enough that it rings before
 * what is new can be overdue. */
static void rearm_exactly(struct dns_channel *channel)
{
    struct loop *loop = channel->setup.loop;
    struct timeval wait;
    if (!ares_timeout(channel->ares, NULL, &wait)) {
        loop_timer_clear(loop, &channel->timer);
        return;
    }
    uint64_t wait_ms = (uint64_t)wait.tv_sec * 1000 + (uint64_t)wait.tv_usec / 1000 + 1;
    loop_timer_set(loop, &channel->timer, loop->now_ms + wait_ms);
}

/* No try is shorter. Call after anything done with c-ares. */
static void rearm(struct dns_channel *channel)
{
    struct loop *loop = channel->setup.loop;
    uint64_t at_ms = loop->now_ms + TRY_TIMEOUT_MIN_MS;
    if (!timer_is_set(&channel->timer) || channel->timer.at_ms > at_ms)
        loop_timer_set(loop, &channel->timer, at_ms);
}

static void process(struct dns_channel *channel, ares_socket_t readable,
                    ares_socket_t writable)
{
    ares_process_fd(channel->ares, readable, writable);
    channel->setup.on_progress(channel->setup.context);
}

static void on_socket_ready(struct watch *watch, uint32_t ready)
{
    /* c-ares may close the socket, which frees it: nothing of it is used after. */
    struct dns_socket *socket = container_of(watch, struct dns_socket, watch);
    const uint32_t broken = EPOLLERR | EPOLLHUP;
    int fd = watch->fd;
    struct dns_channel *channel = socket->channel;
    rearm(channel);
    process(channel, ready & (EPOLLIN | broken) ? fd : ARES_SOCKET_BAD,
            ready & (EPOLLOUT | broken) ? fd : ARES_SOCKET_BAD);
}

/* What the kernel refused to watch is tried anew: c-ares keeps its socket for later
 * questions and tells of it once, so nobody would hear any answer again. */
static void watch_again(struct dns_channel *channel)
{
    for (struct list *node = channel->sockets.next; node != &channel->sockets;
         node = node->next) {
        struct dns_socket *socket = container_of(node, struct dns_socket, node);
        if (!loop_watch(channel->setup.loop, &socket->watch, socket->watch.fd,
                        socket->wanted))
            return; /* not yet */
    }
}

static void on_timer_due(struct timer *timer)
{
    struct dns_channel *channel = container_of(timer, struct dns_channel, timer);
    watch_again(channel);
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rearm_exactly(channel);
    channel->setup.on_progress(channel->setup.context);
}

static struct dns_socket *find_socket(struct dns_channel *channel, ares_socket_t fd)
{
    struct list *node = channel->sockets.next;
    for (; node != &channel->sockets; node = node->next) {
        struct dns_socket *socket = container_of(node, struct dns_socket, node);
        if (socket->watch.fd == fd)
            return socket;
    }
    return NULL;
}

static void drop_socket(struct dns_socket *socket)
{
    loop_unwatch(socket->channel->setup.loop, &socket->watch);
    list_remove(&socket->node);
    free(socket);
}

/* c-ares: from now on wait for this on that socket; for nothing: it is about to close. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct dns_channel *channel = data;
    struct dns_socket *socket = find_socket(channel, fd);
    if (!readable && !writable) {
        if (socket)
            drop_socket(socket);
        return;
    }
    if (!socket) {
        socket = memory_new(sizeof *socket);
        socket->channel = channel;
        socket->watch.on_ready = on_socket_ready;
        socket->watch.fd = fd;
        list_push_back(&channel->sockets, &socket->node);
    }
    socket->wanted = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
    if (!loop_watch(channel->setup.loop, &socket->watch, fd, socket->wanted))
        return; /* see watch_again */
}

/* How long the first try waits; each further one doubles it. With one name server and two
 * tries (1 + 2 times three tenths) c-ares ends just before dns.timeout. */
static int try_timeout_ms(uint64_t timeout_ms)
{
    uint64_t each = timeout_ms * 3 / 10;
    if (each < TRY_TIMEOUT_MIN_MS)
        each = TRY_TIMEOUT_MIN_MS;
    return each > INT_MAX ? INT_MAX : (int)each;
}

/* c-ares since 1.32 takes the first wait from what it measured, 250 ms if answers are
 * quick, and halves later ones by chance: it needs more tries to hold out until
 * dns.timeout. (A recursive server answers the newest try as soon as it knows, so a slow
 * name is found.) */
static int try_count(uint64_t timeout_ms)
{
    int tries = 2;
#if ARES_VERSION >= 0x012000
    for (uint64_t covered_ms = 500; covered_ms < timeout_ms; covered_ms *= 2)
        tries++;
#else
    (void)timeout_ms;
#endif
    return tries;
}

struct dns_channel *dns_channel_new(const struct dns_setup *setup, struct error *err)
{
    struct dns_channel *channel = memory_new(sizeof *channel);
    channel->setup = *setup;
    channel->timer.on_due = on_timer_due;
    list_init(&channel->sockets);

    struct ares_options options = {
        .timeout = try_timeout_ms(setup->timeout_ms),
        .tries = try_count(setup->timeout_ms),
        .socket_receive_buffer_size = RECEIVE_BUFFER_BYTES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_RCVBUF |
               ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE; /* qcache_max_ttl 0: off */
#endif
    int status = ares_init_options(&channel->ares, &options, mask);
    if (status != ARES_SUCCESS) {
        error_set(err, ERROR_SYSTEM, "c-ares: %s", ares_strerror(status));
        free(channel);
        return NULL;
    }
    return channel;
}

void dns_channel_free(struct dns_channel *channel)
{
    if (!channel)
        return;
    ares_destroy(channel->ares);
    loop_timer_clear(channel->setup.loop, &channel->timer);
    struct list *left;
    while ((left = list_first(&channel->sockets)))
        drop_socket(container_of(left, struct dns_socket, node));
    free(channel);
}

static void lower_ttl(uint32_t *ttl_s, int record_ttl)
{
    uint32_t ttl = record_ttl > 0 ? (uint32_t)record_ttl : 0;
    if (ttl < *ttl_s)
        *ttl_s = ttl;
}

/* Whether the machine has a way to `address`: connecting a datagram socket sends nothing.
 */
static bool has_route(const struct ip_address *address)
{
    struct sockaddr_storage target;
    ip_address_to_sockaddr(address, &target);
    struct sockaddr_in6 *in6 = (void *)&target;
    in6->sin6_port = htons(443);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool is_there = connect(fd, (const struct sockaddr *)&target, sizeof *in6) == 0;
    close(fd);
    return is_there;
}

struct addresses {
    size_t count;
    struct ip_address items[RESOLVER_ADDRESSES_MAX];
};

/* Families alternate, so that one that leads nowhere costs one attempt and not all of
 * them (RFC 8305 4); IPv6 begins where there is a route (RFC 6724). c-ares could sort
 * too, but opens a socket for each address, and a hostile zone may have thousands. */
static void merge(const struct addresses *v6, const struct addresses *v4,
                  struct dns_request *request)
{
    bool is_v6_first = v6->count > 0 && (v4->count == 0 || has_route(&v6->items[0]));
    const struct addresses *first = is_v6_first ? v6 : v4;
    const struct addresses *second = is_v6_first ? v4 : v6;
    for (size_t i = 0; i < RESOLVER_ADDRESSES_MAX; i++) {
        if (i < first->count && request->count < RESOLVER_ADDRESSES_MAX)
            request->found[request->count++] = first->items[i];
        if (i < second->count && request->count < RESOLVER_ADDRESSES_MAX)
            request->found[request->count++] = second->items[i];
    }
}

static void read_addresses(const struct ares_addrinfo *found, struct dns_request *request)
{
    struct addresses v4 = {0};
    struct addresses v6 = {0};
    request->ttl_s = UINT32_MAX;
    const struct ares_addrinfo_cname *alias = found->cnames;
    for (; alias; alias = alias->next)
        lower_ttl(&request->ttl_s, alias->ttl);
    const struct ares_addrinfo_node *node = found->nodes;
    for (; node; node = node->ai_next) {
        struct addresses *into = node->ai_family == AF_INET6 ? &v6 : &v4;
        if (into->count < RESOLVER_ADDRESSES_MAX &&
            ip_address_from_sockaddr(node->ai_addr, &into->items[into->count]))
            into->count++;
        lower_ttl(&request->ttl_s, node->ai_ttl);
    }
    merge(&v6, &v4, request);
}

/* c-ares: the end of a look-up, `found` is ours to free. */
static void on_addresses(void *data, int status, int timeouts,
                         struct ares_addrinfo *found)
{
    (void)timeouts;
    struct dns_request *request = data;
    if (status == ARES_SUCCESS && found)
        read_addresses(found, request);
    if (status == ARES_SUCCESS && request->count == 0)
        status = ARES_ENODATA;
    request->message = request->count > 0 ? NULL : failure_message(status);
    if (found)
        ares_freeaddrinfo(found);
    request->on_found(request);
}

void dns_channel_ask(struct dns_channel *channel, const char *host, int family,
                     struct dns_request *request)
{
    const struct ares_addrinfo_hints hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
    request->count = 0;
    watch_again(channel);
    ares_getaddrinfo(channel->ares, host, NULL, &hints, on_addresses, request);
    rearm(channel);
}

void dns_request_answer(const struct dns_request *request,
                        struct resolver_answer *ret_answer)
{
    ret_answer->count = request->count;
    ret_answer->message = request->message;
    for (size_t i = 0; i < request->count; i++)
        ip_address_to_sockaddr(&request->found[i], &ret_answer->addresses[i]);
}

bool dns_channel_use_servers(struct dns_channel *channel, const char *csv)
{
    return ares_set_servers_ports_csv(channel->ares, csv) == ARES_SUCCESS;
}
