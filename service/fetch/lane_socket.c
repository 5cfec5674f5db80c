/* SPDX-License-Identifier: Apache-2.0 */
/* The table of upstream sockets by descriptor: made in the OPENSOCKET callback, gone in
 * the CLOSESOCKET one, so an entry lives exactly as long as its descriptor and a number
 * that is used again never meets an old entry. Descriptors libcurl makes without asking
 * (none today) get an entry for as long as libcurl waits for them. Used by lane.c and
 * transfer.c. */
#include "fetch/lane_socket.h"

#include "base/list.h"
#include "base/memory.h"
#include "fetch/taint.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_TABLE = 256,
    IDLE_BUCKETS = 256, /* power of two */
    LOOK_AT_MOST = 16,
};

struct lane_socket {
    struct watch watch;
    struct lane_sockets *sockets;
    void *lane;
    struct lane_user *user;
    struct list user_node;       /* in user->sockets */
    struct lane_user *last_user; /* who gave it back; valid only during that act */
    uint64_t idle_in;            /* the act in which it was given back; 0: in use */
    struct list idle_node;       /* in sockets.idle or sockets.found */
    struct lane_peer peer;
    uint32_t wanted; /* EPOLLIN, EPOLLOUT: what libcurl waits for */
    bool is_foreign; /* not opened here */
    bool is_excused; /* what comes while it is idle is no offence */
};

struct lane_sockets {
    struct loop *loop;
    struct budgets *budgets;
    struct metrics_shard *metrics;
    struct taints *taints;
    lane_socket_event_fn *on_event;
    lane_socket_closed_fn *on_closed;
    uint64_t act; /* counts calls of libcurl */
    int idle_fd;  /* lost its last user in this act; -1: none did */
    struct lane_socket **by_fd;
    size_t table_size;
    size_t open_count;
    struct list idle[IDLE_BUCKETS]; /* by origin, used last first */
    struct list found;              /* promised to transfers that have not started */
};

struct lane_sockets *lane_sockets_new(const struct lane_sockets_setup *setup)
{
    struct lane_sockets *sockets = memory_new(sizeof *sockets);
    *sockets = (struct lane_sockets){
        .loop = setup->loop,
        .budgets = setup->budgets,
        .metrics = setup->metrics,
        .taints = setup->taints,
        .on_event = setup->on_event,
        .on_closed = setup->on_closed,
        .idle_fd = -1,
        .table_size = FIRST_TABLE,
        .by_fd = memory_new(FIRST_TABLE * sizeof(struct lane_socket *)),
    };
    for (size_t i = 0; i < IDLE_BUCKETS; i++)
        list_init(&sockets->idle[i]);
    list_init(&sockets->found);
    return sockets;
}

void lane_sockets_free(struct lane_sockets *sockets)
{
    if (!sockets)
        return;
    assert(sockets->open_count == 0);
    free(sockets->by_fd);
    free(sockets);
}

static struct lane_socket *find(const struct lane_sockets *sockets, int fd)
{
    return (size_t)fd < sockets->table_size ? sockets->by_fd[fd] : NULL;
}

static struct list *bucket_of(struct lane_sockets *sockets, size_t origin)
{
    return &sockets->idle[origin % IDLE_BUCKETS];
}

static void list_as_idle(struct lane_socket *entry)
{
    list_push_front(bucket_of(entry->sockets, entry->peer.origin), &entry->idle_node);
}

void *lane_sockets_find_idle(struct lane_sockets *sockets, size_t origin)
{
    const struct list *bucket = bucket_of(sockets, origin);
    size_t left = LOOK_AT_MOST;
    for (struct list *node = bucket->next; node != bucket && left > 0;
         node = node->next, left--) {
        struct lane_socket *entry = container_of(node, struct lane_socket, idle_node);
        if (entry->peer.origin != origin)
            continue;
        list_remove(node);
        list_push_back(&sockets->found, node);
        return entry->lane;
    }
    return NULL;
}

void lane_sockets_refind(struct lane_sockets *sockets)
{
    struct list *node;
    while ((node = list_pop_front(&sockets->found)) != NULL)
        list_as_idle(container_of(node, struct lane_socket, idle_node));
}

/* The table is as long as the highest descriptor, which RLIMIT_NOFILE bounds. */
static void make_room(struct lane_sockets *sockets, int fd)
{
    size_t size = sockets->table_size;
    while (size <= (size_t)fd)
        size *= 2;
    if (size == sockets->table_size)
        return;
    struct lane_socket **bigger = memory_new(size * sizeof(struct lane_socket *));
    memcpy(bigger, sockets->by_fd, sockets->table_size * sizeof(struct lane_socket *));
    free(sockets->by_fd);
    sockets->by_fd = bigger;
    sockets->table_size = size;
}

/* One system call for each idle connection that wakes up; none per reply. */
static void look_for_unasked(const struct lane_socket *entry, int fd)
{
    struct lane_sockets *sockets = entry->sockets;
    unsigned char bytes[TAINT_LOOK_BYTES];
    if (entry->peer.taint_key == 0 || entry->is_excused)
        return;
    ssize_t len = recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (len > 0 && taint_is_offence(bytes, (size_t)len, entry->peer.is_tls) &&
        taints_note(sockets->taints, entry->peer.taint_key, sockets->loop->now_ms))
        metrics_add(sockets->metrics, METRIC_UPSTREAM_UNASKED, 0, 1);
}

static void on_ready(struct watch *watch, uint32_t ready)
{
    struct lane_socket *entry = container_of(watch, struct lane_socket, watch);
    /* An error or a hang-up is reported to libcurl as whatever it waits for: it then
     * reads or writes and learns the real cause. CURL_CSELECT_ERR would hide it. */
    uint32_t told = ready & entry->wanted;
    if (ready & (EPOLLERR | EPOLLHUP))
        told |= entry->wanted;
    if (told) {
        entry->sockets->on_event(entry->lane, entry->user, watch->fd, told);
        return;
    }
    if (entry->idle_in != 0 && (ready & EPOLLIN))
        look_for_unasked(entry, watch->fd);
    /* An idle one that can merely be written to is kept an eye on. */
    bool is_over = entry->wanted == 0 && (ready & ~(uint32_t)EPOLLOUT) != 0;
    uint32_t events = entry->wanted ? entry->wanted : EPOLLIN;
    if (is_over)
        list_remove(&entry->idle_node); /* no use to anyone */
    if (is_over || !loop_watch(entry->sockets->loop, watch, watch->fd, events))
        loop_unwatch(entry->sockets->loop, watch);
}

static struct lane_socket *add(struct lane_sockets *sockets, void *lane, int fd)
{
    make_room(sockets, fd);
    struct lane_socket *entry = memory_new(sizeof *entry);
    *entry = (struct lane_socket){
        .sockets = sockets, .lane = lane, .watch.on_ready = on_ready};
    sockets->by_fd[fd] = entry;
    return entry;
}

static void drop(struct lane_sockets *sockets, int fd)
{
    struct lane_socket *entry = find(sockets, fd);
    if (!entry)
        return;
    loop_unwatch(sockets->loop, &entry->watch);
    list_remove(&entry->idle_node);
    list_remove(&entry->user_node);
    sockets->by_fd[fd] = NULL;
    free(entry);
}

static bool is_shortage(int error_number)
{
    return error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS ||
           error_number == ENOMEM;
}

curl_socket_t lane_sockets_open(struct lane_sockets *sockets, void *lane,
                                struct lane_peer peer,
                                const struct curl_sockaddr *address, bool *ret_short)
{
    *ret_short = !budget_take(&sockets->budgets->sockets, 1);
    if (*ret_short)
        return CURL_SOCKET_BAD;
    int fd = socket(address->family, address->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    address->protocol);
    if (fd < 0) {
        *ret_short = is_shortage(errno);
        budget_give(&sockets->budgets->sockets, 1);
        return CURL_SOCKET_BAD;
    }
    add(sockets, lane, fd)->peer = peer;
    sockets->open_count++;
    metrics_add(sockets->metrics, METRIC_UPSTREAM_OPENED, 0, 1);
    metrics_set(sockets->metrics, METRIC_UPSTREAM_OPEN, sockets->open_count);
    return fd;
}

/* An idle connection that libcurl closes because it found bytes on it tells nothing here:
 * it has read and dropped them (8.14). */
static void tell_last_user(const struct lane_socket *entry)
{
    bool is_at_once = entry->idle_in != 0 && entry->idle_in == entry->sockets->act;
    if (is_at_once && entry->last_user)
        entry->sockets->on_closed(entry->last_user);
}

int lane_sockets_on_close(void *data, curl_socket_t fd)
{
    struct lane_sockets *sockets = data;
    struct lane_socket *entry = find(sockets, fd);
    if (entry && !entry->is_foreign) {
        tell_last_user(entry);
        sockets->open_count--;
        budget_give(&sockets->budgets->sockets, 1);
        metrics_set(sockets->metrics, METRIC_UPSTREAM_OPEN, sockets->open_count);
    }
    drop(sockets, fd);
    if (sockets->idle_fd == fd)
        sockets->idle_fd = -1;
    return close(fd);
}

static uint32_t events_of(int what)
{
    switch (what) {
    case CURL_POLL_IN:
        return EPOLLIN;
    case CURL_POLL_OUT:
        return EPOLLOUT;
    case CURL_POLL_INOUT:
        return EPOLLIN | EPOLLOUT;
    default:
        return 0;
    }
}

void lane_sockets_enter(struct lane_sockets *sockets)
{
    sockets->act++;
    sockets->idle_fd = -1;
}

bool lane_sockets_shut_idle(struct lane_sockets *sockets)
{
    if (sockets->idle_fd < 0)
        return false;
    (void)shutdown(sockets->idle_fd, SHUT_RDWR);
    return true;
}

void lane_sockets_excuse(struct lane_sockets *sockets, curl_socket_t fd)
{
    struct lane_socket *entry = find(sockets, fd);
    if (entry)
        entry->is_excused = true;
}

void lane_sockets_excuse_all(struct lane_sockets *sockets, const void *lane)
{
    for (size_t fd = 0; fd < sockets->table_size; fd++) {
        struct lane_socket *entry = sockets->by_fd[fd];
        if (entry && entry->lane == lane && entry->wanted == 0)
            entry->is_excused = true;
    }
}

static void work_for(struct lane_socket *entry, struct lane_user *user)
{
    if (entry->user == user)
        return;
    list_remove(&entry->user_node);
    entry->user = user;
    if (user)
        list_push_back(&user->sockets, &entry->user_node);
}

void lane_user_init(struct lane_user *user)
{
    list_init(&user->sockets);
}

void lane_sockets_leave(struct lane_sockets *sockets, struct lane_user *user)
{
    if (list_is_empty(&user->sockets))
        return;
    struct list *node;
    while ((node = list_first(&user->sockets)) != NULL)
        work_for(container_of(node, struct lane_socket, user_node), NULL);
    sockets->on_closed(user);
}

static void note_use(struct lane_socket *entry, struct lane_user *user)
{
    if (entry->wanted == 0 && entry->idle_in == 0) {
        entry->last_user = entry->user;
        entry->idle_in = entry->sockets->act;
        if (!entry->is_foreign)
            list_as_idle(entry);
    }
    if (entry->wanted != 0) {
        entry->idle_in = 0;
        entry->is_excused = false;
        list_remove(&entry->idle_node);
    }
    work_for(entry, entry->wanted != 0 ? user : NULL);
}

void lane_sockets_want(struct lane_sockets *sockets, void *lane, struct lane_user *user,
                       curl_socket_t fd, int what)
{
    struct lane_socket *entry = find(sockets, fd);
    if (!entry && what == CURL_POLL_REMOVE)
        return;
    if (!entry) {
        entry = add(sockets, lane, fd);
        entry->is_foreign = true;
    }
    if (what == CURL_POLL_REMOVE && entry->wanted != 0 && !entry->is_foreign)
        sockets->idle_fd = fd;
    entry->wanted = events_of(what);
    note_use(entry, user);
    if (entry->is_foreign && entry->wanted == 0) {
        drop(sockets, fd);
        return;
    }
    /* Superfluous interest is harmless until it fires; missing interest is not. */
    bool is_covered =
        entry->watch.is_watched && (entry->watch.events & entry->wanted) == entry->wanted;
    if (entry->wanted == 0 || is_covered)
        return;
    if (!loop_watch(sockets->loop, &entry->watch, fd, entry->wanted))
        loop_unwatch(sockets->loop, &entry->watch); /* the call's own clock will end it */
}
