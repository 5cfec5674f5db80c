/* SPDX-License-Identifier: Apache-2.0 */
/* The lanes of a worker. libcurl's callbacks only record here: the socket callback what
 * to wait for, the timer callback when to come back (at once: in this turn's lanes_run).
 * What has ended is fetched in lanes_next_done, at the one place where transfers leave
 * lanes.
 *
 * A lane goes when nothing ran in it for keep_alive, or sooner when sockets are short: to
 * close its CURLM is the only way to make libcurl close idle connections. */
#include "fetch/lane.h"

#include "base/list.h"
#include "base/memory.h"
#include "fetch/lane_socket.h"
#include "fetch/libcurl_system.h"
#include "fetch/transfer.h"

#include <assert.h>
#include <stdlib.h>

enum {
    FIRST_LANES = 16,
    WARM_TRIES = 4,
    SWEEP_SLICE = 2, /* lanes closed in one turn: 128 connections, about 1 ms */
    /* A CURLM holds descriptors of its own to be woken by: an eventfd or a socket pair.
     */
    LANE_DESCRIPTORS = 2,
};

struct lane {
    CURLM *multi;
    struct lanes *lanes;
    size_t number;
    unsigned running;
    uint64_t idle_since_ms;
    struct timer timer;    /* libcurl's next due time */
    struct list due;       /* to be run at once */
    struct list collected; /* may have messages */
    struct list resetting; /* libcurl may have resets of streams to send */
};

struct lanes {
    struct lanes_setup setup;
    struct lane_sockets *sockets;
    struct lane **items; /* NULL: closed */
    size_t size;
    size_t first_with_room; /* no lane below has room */
    size_t idle_count;
    bool is_trimming;
    struct list due;
    struct list collected;
    struct list resetting;
    struct timer sweep_timer;
    bool must_sweep;
};

static void mark(struct list *head, struct list *node)
{
    if (!list_is_linked(node))
        list_push_back(head, node);
}

/* Around each call of libcurl that moves transfers. */
static void enter_libcurl(struct lanes *lanes)
{
    lane_sockets_enter(lanes->sockets);
    libcurl_system_enter();
}

/* When memory fails libcurl stops in the middle. It comes back to transfers that were due
 * only if it is asked, and a socket in which it has not told its interest looks idle. */
static void act(struct lane *lane, curl_socket_t fd, int bits)
{
    struct lanes *lanes = lane->lanes;
    int running;
    enter_libcurl(lanes);
    CURLMcode code = curl_multi_socket_action(lane->multi, fd, bits, &running);
    libcurl_system_leave();
    if (code != CURLM_OK) {
        mark(&lanes->due, &lane->due);
        lane_sockets_excuse_all(lanes->sockets, lane);
    }
    mark(&lanes->collected, &lane->collected);
}

static struct transfer *transfer_of(struct lane_user *user)
{
    return container_of(user, struct transfer, user);
}

static void act_on_socket(void *data, struct lane_user *user, int fd, uint32_t ready)
{
    struct lane *lane = data;
    int bits = ((ready & EPOLLIN) ? CURL_CSELECT_IN : 0) |
               ((ready & EPOLLOUT) ? CURL_CSELECT_OUT : 0);
    if (user && (ready & EPOLLIN))
        transfer_note_event(transfer_of(user));
    act(lane, fd, bits);
}

static void note_closed(struct lane_user *user)
{
    transfer_note_closed(transfer_of(user));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *unused)
{
    (void)unused;
    struct lane *lane = data;
    struct transfer *transfer = NULL;
    /* A multiplexed connection has many users, and this tells of one of them only. */
    if (!lane->lanes->setup.multiplexes)
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    if (what == CURL_POLL_REMOVE && transfer && !transfer->is_begun)
        lane_sockets_excuse(lane->lanes->sockets, fd);
    if (what == CURL_POLL_REMOVE)
        libcurl_system_forget();
    lane_sockets_want(lane->lanes->sockets, lane, transfer ? &transfer->user : NULL, fd,
                      what);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *data)
{
    (void)multi;
    struct lane *lane = data;
    struct loop *loop = lane->lanes->setup.loop;
    if (timeout_ms == 0)
        mark(&lane->lanes->due, &lane->due);
    if (timeout_ms > 0)
        loop_timer_set(loop, &lane->timer, loop->now_ms + (uint64_t)timeout_ms + 1);
    else
        loop_timer_clear(loop, &lane->timer);
    return 0;
}

static void on_lane_due(struct timer *timer)
{
    struct lane *lane = container_of(timer, struct lane, timer);
    mark(&lane->lanes->due, &lane->due);
}

static void on_sweep_due(struct timer *timer)
{
    container_of(timer, struct lanes, sweep_timer)->must_sweep = true;
}

struct lanes *lanes_new(const struct lanes_setup *setup)
{
    struct lanes *lanes = memory_new(sizeof *lanes);
    struct lane_sockets_setup sockets = {
        .loop = setup->loop,
        .budgets = setup->budgets,
        .metrics = setup->metrics,
        .taints = setup->taints,
        .on_event = act_on_socket,
        .on_closed = note_closed,
    };
    *lanes = (struct lanes){
        .setup = *setup,
        .sockets = lane_sockets_new(&sockets),
        .size = FIRST_LANES,
        .items = memory_new(FIRST_LANES * sizeof(struct lane *)),
        .sweep_timer.on_due = on_sweep_due,
    };
    list_init(&lanes->due);
    list_init(&lanes->collected);
    list_init(&lanes->resetting);
    return lanes;
}

static void lane_free(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    lane_sockets_enter(lanes->sockets);
    curl_multi_cleanup(lane->multi);
    loop_timer_clear(lanes->setup.loop, &lane->timer);
    list_remove(&lane->due);
    list_remove(&lane->collected);
    list_remove(&lane->resetting);
    budget_give(&lanes->setup.budgets->sockets, LANE_DESCRIPTORS);
    lanes->items[lane->number] = NULL;
    lanes->idle_count--;
    if (lane->number < lanes->first_with_room)
        lanes->first_with_room = lane->number;
    free(lane);
}

void lanes_free(struct lanes *lanes)
{
    if (!lanes)
        return;
    for (size_t i = 0; i < lanes->size; i++) {
        assert(!lanes->items[i] || lanes->items[i]->running == 0);
        if (lanes->items[i])
            lane_free(lanes->items[i]);
    }
    loop_timer_clear(lanes->setup.loop, &lanes->sweep_timer);
    lane_sockets_free(lanes->sockets);
    free(lanes->items);
    free(lanes);
}

static void setup_multi(struct lane *lane)
{
    CURLM *multi = lane->multi;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, lane);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, lane);
    /* The default is four times the transfers there are now: as a batch drains, it closes
     * good connections. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)LANE_CONNECTIONS);
    curl_multi_setopt(
        multi, CURLMOPT_PIPELINING,
        (long)(lane->lanes->setup.multiplexes ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING));
}

static struct lane *lane_new(struct lanes *lanes, size_t number)
{
    CURLM *multi = curl_multi_init();
    if (!multi)
        return NULL;
    struct lane *lane = memory_new(sizeof *lane);
    *lane = (struct lane){
        .multi = multi, .lanes = lanes, .number = number, .timer.on_due = on_lane_due};
    setup_multi(lane);
    budget_force(&lanes->setup.budgets->sockets, LANE_DESCRIPTORS);
    lanes->items[number] = lane;
    lanes->idle_count++;
    return lane;
}

static void make_room(struct lanes *lanes, size_t number)
{
    size_t size = lanes->size;
    while (size <= number)
        size *= 2;
    if (size == lanes->size)
        return;
    struct lane **bigger = memory_new(size * sizeof(struct lane *));
    for (size_t i = 0; i < lanes->size; i++)
        bigger[i] = lanes->items[i];
    free(lanes->items);
    lanes->items = bigger;
    lanes->size = size;
}

/* NULL: no room in this one, or no memory for it. */
static struct lane *lane_if_room(struct lanes *lanes, size_t number)
{
    make_room(lanes, number);
    struct lane *lane = lanes->items[number];
    if (!lane)
        return lane_new(lanes, number);
    return lane->running < LANE_CAPACITY ? lane : NULL;
}

/* NULL: none has an idle connection that may be used, and room. */
static struct lane *warm_lane(struct lanes *lanes, const struct transfer_request *request)
{
    if (lanes->setup.multiplexes || request->is_fresh || request->is_single)
        return NULL;
    for (size_t left = WARM_TRIES; left > 0; left--) {
        struct lane *lane = lane_sockets_find_idle(lanes->sockets, request->origin);
        if (!lane || lane->running < LANE_CAPACITY)
            return lane;
    }
    return NULL;
}

static struct lane *lane_for(struct lanes *lanes, size_t origin)
{
    struct lane *home = lane_if_room(lanes, origin / LANE_ORIGINS % LANE_HOMES);
    if (home)
        return home;
    size_t number = lanes->first_with_room;
    while (number < lanes->size && lanes->items[number] &&
           lanes->items[number]->running >= LANE_CAPACITY)
        number++;
    lanes->first_with_room = number;
    return lane_if_room(lanes, number);
}

bool lanes_add(struct lanes *lanes, struct transfer *transfer)
{
    struct lane *lane = warm_lane(lanes, &transfer->request);
    if (!lane)
        lane = lane_for(lanes, transfer->request.origin);
    if (!lane)
        return false;
    transfer->lane = lane;
    enter_libcurl(lanes);
    CURLMcode code = curl_multi_add_handle(lane->multi, transfer->easy);
    libcurl_system_leave();
    if (code != CURLM_OK) {
        transfer->lane = NULL;
        return false;
    }
    if (lane->running++ == 0)
        lanes->idle_count--;
    return true;
}

static void lane_became_idle(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    lanes->idle_count++;
    lane->idle_since_ms = lanes->setup.loop->now_ms;
    if (!timer_is_set(&lanes->sweep_timer))
        loop_timer_set(lanes->setup.loop, &lanes->sweep_timer,
                       lane->idle_since_ms + lanes->setup.keep_alive_ms);
}

static void take_out(struct lanes *lanes, struct transfer *transfer)
{
    struct lane *lane = transfer->lane;
    enter_libcurl(lanes);
    curl_multi_remove_handle(lane->multi, transfer->easy);
    libcurl_system_leave();
    lane_sockets_leave(lanes->sockets, &transfer->user);
    transfer->lane = NULL;
    if (lane->number < lanes->first_with_room)
        lanes->first_with_room = lane->number;
    if (--lane->running == 0)
        lane_became_idle(lane);
}

void lanes_remove(struct lanes *lanes, struct transfer *transfer)
{
    struct lane *lane = transfer->lane;
    take_out(lanes, transfer);
    if (lanes->setup.multiplexes && !lane_sockets_shut_idle(lanes->sockets))
        mark(&lanes->resetting, &lane->resetting);
}

/* When a transfer is removed whose HTTP/2 stream is open, libcurl (8.14) puts the reset
 * into a buffer of its own, which leaves with whatever happens next on the connection:
 * perhaps in minutes, and the upstream works on meanwhile. Running the transfers that are
 * left on it makes something happen; where none is left nothing ever would, so that
 * connection has been shut down. */
static void send_resets(struct lanes *lanes)
{
    struct list *node;
    while ((node = list_pop_front(&lanes->resetting)) != NULL) {
        struct lane *lane = container_of(node, struct lane, resetting);
        int running;
        enter_libcurl(lanes);
        curl_multi_perform(lane->multi, &running);
        libcurl_system_leave();
        mark(&lanes->collected, &lane->collected);
    }
}

void lanes_run(struct lanes *lanes)
{
    send_resets(lanes);
    /* libcurl may ask to be called at once again while it runs: that waits for the next
     * turn, so this list is bounded by the lanes there are. */
    struct list now;
    list_init(&now);
    struct list *node;
    while ((node = list_pop_front(&lanes->due)) != NULL)
        list_push_back(&now, node);
    while ((node = list_pop_front(&now)) != NULL)
        act(container_of(node, struct lane, due), CURL_SOCKET_TIMEOUT, 0);
    lane_sockets_refind(lanes->sockets);
}

struct transfer *lanes_next_done(struct lanes *lanes, CURLcode *ret_result)
{
    struct list *node;
    while ((node = list_first(&lanes->collected)) != NULL) {
        struct lane *lane = container_of(node, struct lane, collected);
        int left;
        CURLMsg *message = curl_multi_info_read(lane->multi, &left);
        if (!message) {
            list_remove(node);
            continue;
        }
        if (message->msg != CURLMSG_DONE)
            continue;
        struct transfer *transfer = NULL;
        *ret_result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        take_out(lanes, transfer);
        return transfer;
    }
    return NULL;
}

void lanes_trim(struct lanes *lanes)
{
    lanes->is_trimming = true;
}

static bool must_go(const struct lanes *lanes, const struct lane *lane)
{
    return lane && lane->running == 0 &&
           (lanes->is_trimming || lane->idle_since_ms + lanes->setup.keep_alive_ms <=
                                      lanes->setup.loop->now_ms);
}

/* The highest lanes first: they were filled last and are used least. */
size_t lanes_sweep(struct lanes *lanes)
{
    size_t closed = 0;
    uint64_t next_ms = UINT64_MAX;
    if (!lanes->must_sweep && !lanes->is_trimming)
        return 0;
    for (size_t i = lanes->size; i > 0; i--) {
        struct lane *lane = lanes->items[i - 1];
        if (must_go(lanes, lane)) {
            if (closed == SWEEP_SLICE)
                return closed; /* the rest in the next turn */
            lane_free(lane);
            closed++;
        } else if (lane && lane->running == 0 && lane->idle_since_ms < next_ms) {
            next_ms = lane->idle_since_ms;
        }
    }
    lanes->is_trimming = false;
    lanes->must_sweep = false;
    if (next_ms != UINT64_MAX)
        loop_timer_set(lanes->setup.loop, &lanes->sweep_timer,
                       next_ms + lanes->setup.keep_alive_ms);
    return closed;
}

bool lanes_has_work(const struct lanes *lanes)
{
    return !list_is_empty(&lanes->due) || !list_is_empty(&lanes->collected) ||
           !list_is_empty(&lanes->resetting) || lanes->must_sweep ||
           (lanes->is_trimming && lanes->idle_count > 0);
}

bool lanes_has_idle(const struct lanes *lanes)
{
    return lanes->idle_count > 0;
}

struct lane_sockets *lanes_sockets(struct lanes *lanes)
{
    return lanes->sockets;
}
