/* SPDX-License-Identifier: Apache-2.0 */
/* Parcels of guests between mailboxes. Every guest is held twice, by its home and by its
 * host; what is in a mail is held by that mail:
 *
 *     home's hold:  made ─► call comes back, or revoked ─► mail ─► host has read it
 *     host's hold:  made ─► mail (parcel) ─► ended ─► mail (returned) ─► home has read it
 *                                        └─► revoked: taken out
 *
 * A list node of a guest is used by one thread, or under the lock of the box it lies in.
 * The bell is rung once for all that a worker finds in its box at its next turn. */
#include "fetch/handover.h"

#include "base/clock.h"
#include "base/memory.h"
#include "fetch/call_copy.h"
#include "fetch/call_result.h"
#include "fetch/crowding.h"
#include "fetch/fetcher_state.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    /* With more in flight it is the upstream that is waited for, and the host would open
     * connections that home has: 10,000 items of a second took 1.5 s instead of 1.3. */
    FLIGHTS_MOST = 256,
    /* Waiting calls of a flow from which on it is worth it: some 3 ms of one core. */
    LONG_QUEUE = 128,
    PARCEL = 64,         /* some 1.3 ms of work: longer than a turn of the home */
    PLACES = 2 * PARCEL, /* free ones from which on nobody has to wait for them */
    SHORT_QUEUE = 32,    /* a worker with less is given more */
    REQUEST_ID_SIZE = 136,
};

struct box {
    pthread_mutex_t lock;
    bool has_left;        /* nobody will read it again */
    struct list parcels;  /* from homes: to be started */
    struct list revoked;  /* from homes: guest.revoke_node */
    struct list returned; /* from hosts: guest.return_node */
    atomic_bool has_mail;
    atomic_size_t waiting; /* calls in its worker's queue, at the last turn */
    atomic_size_t coming;  /* calls in `parcels` */
    int bell_fd;
};

struct handover {
    struct handovers *all;
    size_t index;
    struct crowding crowding;
    struct watch bell;
    struct list arrived; /* back home, to be delivered: guest.return_node */
    struct list away;    /* guests elsewhere: guest.home_node */
    struct list hosted;  /* guests here: guest.host_node */
    struct box shared;   /* any thread */
};

struct handovers {
    struct handover **members;
    size_t count;
};

struct guest {
    struct call call; /* the host's; home reads its phase and started_us */
    struct parcel *parcel;
    struct call *home; /* of the home's thread; NULL: revoked */
    struct call_result *result;
    struct list home_node;
    struct list host_node;
    struct list return_node;
    struct list revoke_node;
};

struct parcel {
    struct flow flow; /* the host's */
    struct list node;
    struct handover *home;
    struct handover *host;
    struct budget *budget; /* … charged for it */
    size_t size;
    atomic_size_t holds;
    char request_id[REQUEST_ID_SIZE];
    size_t count;
    struct guest guests[];
};

static struct guest *guest_of(struct call *copy)
{
    return container_of(copy, struct guest, call);
}

static void let_go(struct guest *guest, size_t holds)
{
    struct parcel *parcel = guest->parcel;
    if (atomic_fetch_sub(&parcel->holds, holds) != holds)
        return;
    budget_give(parcel->budget, parcel->size);
    free(parcel);
}

static void drop_result(struct fetcher *fetcher, struct guest *guest)
{
    if (guest->result)
        budget_give(&fetcher->setup.budgets->reply_bytes, guest->result->size);
    free(guest->result);
    guest->result = NULL;
}

/* ------------------------------------------------------------------------ mailboxes */

/* False: nobody reads it any more. */
static bool post(struct box *box, struct list *letters, struct list *letter)
{
    pthread_mutex_lock(&box->lock);
    bool is_taken = !box->has_left;
    bool must_ring = is_taken && !box->has_mail;
    if (is_taken) {
        list_push_back(letters, letter);
        box->has_mail = true;
    }
    pthread_mutex_unlock(&box->lock);
    if (must_ring) {
        uint64_t one = 1;
        ssize_t written = write(box->bell_fd, &one, sizeof one);
        (void)written; /* it cannot be full */
    }
    return is_taken;
}

static void on_bell(struct watch *watch, uint32_t ready)
{
    (void)watch; /* edge-triggered: nothing to be read; the mail is, in the turn */
    (void)ready;
}

struct mail {
    struct list parcels, revoked, returned;
};

static void take_mail(struct box *box, struct mail *ret_mail)
{
    list_init(&ret_mail->parcels);
    list_init(&ret_mail->revoked);
    list_init(&ret_mail->returned);
    pthread_mutex_lock(&box->lock);
    list_move_all(&box->parcels, &ret_mail->parcels);
    list_move_all(&box->revoked, &ret_mail->revoked);
    list_move_all(&box->returned, &ret_mail->returned);
    box->has_mail = false;
    pthread_mutex_unlock(&box->lock);
}

/* -------------------------------------------------------------------------- the host */

static void on_guest_done(struct call *call, const struct outcome *outcome)
{
    struct guest *guest = guest_of(call);
    struct fetcher *fetcher = call->fetcher;
    struct box *box = &guest->parcel->home->shared;
    list_remove(&guest->host_node);
    guest->result = call_result_new(outcome);
    if (guest->result)
        budget_force(&fetcher->setup.budgets->reply_bytes, guest->result->size);
    if (post(box, &box->returned, &guest->return_node))
        return;
    drop_result(fetcher, guest);
    let_go(guest, 1);
}

static void start_parcel(struct fetcher *fetcher, struct parcel *parcel)
{
    struct handover *own = fetcher->handover;
    atomic_fetch_sub(&own->shared.coming, parcel->count);
    for (size_t i = 0; i < parcel->count; i++) {
        list_push_back(&own->hosted, &parcel->guests[i].host_node);
        fetcher_start_guest(fetcher, &parcel->guests[i].call);
    }
}

static void take_out(struct fetcher *fetcher, struct guest *guest)
{
    bool is_here = list_is_linked(&guest->host_node);
    if (is_here) {
        list_remove(&guest->host_node);
        fetcher_cancel(fetcher, &guest->call);
    }
    let_go(guest, is_here ? 2 : 1); /* else its host's hold is on its way home */
}

void handover_read_mail(struct fetcher *fetcher)
{
    struct handover *own = fetcher->handover;
    struct list *node;
    struct mail mail;
    if (!own->shared.has_mail)
        return;
    take_mail(&own->shared, &mail);
    while ((node = list_pop_front(&mail.parcels)) != NULL)
        start_parcel(fetcher, container_of(node, struct parcel, node));
    while ((node = list_pop_front(&mail.revoked)) != NULL)
        take_out(fetcher, container_of(node, struct guest, revoke_node));
    list_move_all(&mail.returned, &own->arrived);
}

/* -------------------------------------------------------------------------- the home */

static bool may_go(const struct call *call)
{
    return !call->has_body && !call->on_dispatch && !call->coalesces && !call->flight &&
           !call->is_shared && !call->is_guest;
}

/* How many calls at the front of the pair may go, and what they need. */
static size_t count_calls(const struct pair *pair, size_t *ret_size)
{
    size_t count = 0;
    *ret_size = sizeof(struct parcel);
    for (struct list *node = pair->calls.next; node != &pair->calls && count < PARCEL;
         node = node->next) {
        const struct call *call = container_of(node, struct call, node);
        if (!may_go(call))
            break;
        *ret_size += sizeof(struct guest) + call_copy_size(call);
        count++;
    }
    return count;
}

/* Returns where the next one's texts go. */
static char *pack(struct fetcher *fetcher, struct parcel *parcel, struct guest *guest,
                  struct call *call, char *room)
{
    origins_leave(fetcher->origins, call, fetcher->setup.loop->now_us);
    loop_timer_clear(fetcher->setup.loop, &call->timer);
    call->origin = NULL;
    call_copy(&guest->call, call, room);
    guest->call.flow = &parcel->flow;
    guest->call.on_done = on_guest_done;
    guest->call.is_guest = true;
    guest->call.queued_us = call->queued_us;
    call_set_phase(&guest->call, PHASE_QUEUED);
    guest->parcel = parcel;
    guest->home = call;
    call->away = &guest->call;
    list_push_back(&fetcher->handover->away, &guest->home_node);
    return room + call_copy_size(call);
}

static void fill(struct fetcher *fetcher, struct parcel *parcel, struct pair *pair)
{
    const struct flow *flow = pair->flow;
    char *room = (char *)(parcel->guests + parcel->count);
    parcel->flow.caller = flow->caller;
    if (flow->request_id && strlen(flow->request_id) < REQUEST_ID_SIZE) {
        memcpy(parcel->request_id, flow->request_id, strlen(flow->request_id) + 1);
        parcel->flow.request_id = parcel->request_id;
    }
    atomic_init(&parcel->holds, 2 * parcel->count);
    for (size_t i = 0; i < parcel->count; i++) { /* the last one may end the pair */
        struct list *first = list_first(&pair->calls);
        room = pack(fetcher, parcel, &parcel->guests[i],
                    container_of(first, struct call, node), room);
    }
}

static struct pair *find_pair(const struct fetcher *fetcher)
{
    struct pair *pair = schedule_peek_long(fetcher->schedule, LONG_QUEUE);
    bool has_places = pair && caller_has_places(pair->flow->caller, PLACES) &&
                      budget_has_room(&fetcher->setup.budgets->in_flight, PLACES);
    return has_places ? pair : NULL;
}

/* False: there is nothing (more) to hand over now. */
static bool send_parcel(struct fetcher *fetcher, struct handover *host)
{
    struct budget *budget = &fetcher->setup.budgets->request_bytes;
    struct pair *pair = find_pair(fetcher);
    size_t size;
    size_t count = pair ? count_calls(pair, &size) : 0;
    if (count == 0 || !budget_take(budget, size))
        return false;
    struct parcel *parcel = memory_try_array(1, size);
    if (!parcel) {
        budget_give(budget, size);
        return false;
    }
    parcel->home = fetcher->handover;
    parcel->host = host;
    parcel->budget = budget;
    parcel->size = size;
    parcel->count = count;
    fill(fetcher, parcel, pair);
    atomic_fetch_add(&host->shared.coming, count);
    bool is_sent = post(&host->shared, &host->shared.parcels, &parcel->node);
    assert(is_sent); /* none leaves while any runs */
    (void)is_sent;
    metrics_add(fetcher->setup.metrics, METRIC_HANDED_OVER, 0, count);
    return true;
}

static bool has_little_to_start(const struct box *box)
{
    return atomic_load_explicit(&box->waiting, memory_order_relaxed) +
               atomic_load_explicit(&box->coming, memory_order_relaxed) <
           SHORT_QUEUE;
}

/* No turn sleeps while calls can start, so what a turn takes beyond its CPU time is spent
 * waiting for a CPU. */
static bool is_worth_it(struct fetcher *fetcher)
{
    struct handover *own = fetcher->handover;
    uint64_t wish = fetcher->setup.config->server.share_batches;
    if (fetcher->schedule->waiting < LONG_QUEUE || fetcher->is_stalled ||
        fetcher->dispatched > FLIGHTS_MOST || !schedule_has_next(fetcher->schedule) ||
        own->all->count < 2) {
        crowding_pause(&own->crowding);
        return false;
    }
    if (wish == SHARE_AUTO)
        return !crowding_note(&own->crowding, clock_now_us(), clock_thread_us());
    return wish == SHARE_ALWAYS;
}

void handover_offer(struct fetcher *fetcher)
{
    struct handover *own = fetcher->handover;
    const struct handovers *all = own->all;
    size_t waiting = fetcher->schedule->waiting;
    atomic_store_explicit(&own->shared.waiting, waiting, memory_order_relaxed);
    if (!is_worth_it(fetcher))
        return;
    for (size_t i = 1; i < all->count; i++) {
        struct handover *host = all->members[(own->index + i) % all->count];
        if (has_little_to_start(&host->shared) && !send_parcel(fetcher, host))
            return;
    }
}

/* The call knows its guest no more, and is idle. */
static void part(struct guest *guest)
{
    struct call *call = guest->home;
    call_set_started(call, guest->call.started_us);
    call_set_phase(call, PHASE_IDLE);
    call->away = NULL;
    guest->home = NULL;
    list_remove(&guest->home_node);
}

bool handover_deliver(struct fetcher *fetcher)
{
    static const struct outcome lost = {
        .code = CALL_OVERLOADED,
        .message = "the gateway has no memory for the reply",
        .timing = {-1, -1, -1, -1, -1, -1, -1, 0, false, NULL, NULL, 0},
    };
    struct list *node = list_pop_front(&fetcher->handover->arrived);
    if (!node)
        return false;
    struct guest *guest = container_of(node, struct guest, return_node);
    struct call *call = guest->home;
    if (call) {
        part(guest);
        call->on_done(call, guest->result ? &guest->result->outcome : &lost);
    }
    drop_result(fetcher, guest);
    let_go(guest, call ? 2 : 1);
    return true;
}

bool handover_has_work(const struct fetcher *fetcher)
{
    return !list_is_empty(&fetcher->handover->arrived);
}

void handover_revoke(struct fetcher *fetcher, struct call *call)
{
    (void)fetcher;
    struct guest *guest = guest_of(call->away);
    struct box *box = &guest->parcel->host->shared;
    part(guest);
    if (!post(box, &box->revoked, &guest->revoke_node))
        let_go(guest, 1);
}

/* ------------------------------------------------------------------------- lifecycle */

struct handovers *handovers_new(void)
{
    return memory_new(sizeof(struct handovers));
}

void handovers_free(struct handovers *handovers)
{
    if (!handovers)
        return;
    for (size_t i = 0; i < handovers->count; i++) {
        close(handovers->members[i]->shared.bell_fd);
        pthread_mutex_destroy(&handovers->members[i]->shared.lock);
        free(handovers->members[i]);
    }
    free(handovers->members);
    free(handovers);
}

static void add_member(struct handovers *all, struct handover *member)
{
    size_t size = (all->count + 1) * sizeof(struct handover *);
    struct handover **members = memory_new(size);
    for (size_t i = 0; i < all->count; i++)
        members[i] = all->members[i];
    free(all->members);
    all->members = members;
    member->all = all;
    member->index = all->count;
    all->members[all->count++] = member;
}

bool handover_join(struct fetcher *fetcher, struct error *err)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot make a fetcher's mailbox");
    struct handover *own = memory_new(sizeof *own);
    list_init(&own->arrived);
    list_init(&own->away);
    list_init(&own->hosted);
    list_init(&own->shared.parcels);
    list_init(&own->shared.revoked);
    list_init(&own->shared.returned);
    pthread_mutex_init(&own->shared.lock, NULL);
    own->shared.bell_fd = fd;
    own->bell.on_ready = on_bell;
    add_member(fetcher->setup.shared->handovers, own);
    fetcher->handover = own;
    return loop_watch(fetcher->setup.loop, &own->bell, fd, EPOLLIN | EPOLLET) ||
           error_set_errno(err, errno, "cannot watch a fetcher's mailbox");
}

static void drop_parcel(struct parcel *parcel)
{
    size_t count = parcel->count; /* with the last one the parcel may go */
    for (size_t i = 0; i < count; i++)
        let_go(&parcel->guests[i], 1);
}

static void drop_returned(struct fetcher *fetcher, struct list *returned)
{
    struct list *node;
    while ((node = list_pop_front(returned)) != NULL) {
        struct guest *guest = container_of(node, struct guest, return_node);
        drop_result(fetcher, guest);
        let_go(guest, 1);
    }
}

void handover_part(struct fetcher *fetcher)
{
    struct handover *own = fetcher->handover;
    struct list *node;
    struct mail mail;
    if (!own)
        return;
    loop_unwatch(fetcher->setup.loop, &own->bell);
    own->shared.has_left = true;
    take_mail(&own->shared, &mail);
    while ((node = list_pop_front(&mail.parcels)) != NULL)
        drop_parcel(container_of(node, struct parcel, node));
    while ((node = list_pop_front(&own->hosted)) != NULL)
        let_go(container_of(node, struct guest, host_node), 1);
    while ((node = list_pop_front(&mail.revoked)) != NULL)
        let_go(container_of(node, struct guest, revoke_node), 1);
    drop_returned(fetcher, &mail.returned);
    drop_returned(fetcher, &own->arrived);
    while ((node = list_first(&own->away)) != NULL) {
        struct guest *guest = container_of(node, struct guest, home_node);
        part(guest);
        let_go(guest, 1);
    }
}
