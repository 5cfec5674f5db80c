/* SPDX-License-Identifier: Apache-2.0 */
/* The home's side: what goes to which worker, and how it comes back; and the list of all.
 * Called by fetcher*.c. */
#include "fetch/handover.h"

#include "base/clock.h"
#include "base/memory.h"
#include "fetch/call_copy.h"
#include "fetch/fetcher_state.h"
#include "fetch/handover_state.h"

#include <assert.h>
#include <stdlib.h>

enum {
    /* With more in flight it is the upstream that is waited for, and the host would open
     * connections that home has: 10,000 items of a second took 1.5 s instead of 1.3. */
    FLIGHTS_MOST = 256,
    /* Waiting calls of a flow from which on it is worth it: some 3 ms of one core. */
    LONG_QUEUE = 128,
    PARCEL = 64,         /* some 1.3 ms of work: longer than a turn of the home */
    PLACES = 2 * PARCEL, /* free ones from which on nobody has to wait for them */
    RECALL_MS = 5,       /* a host with a short queue starts a parcel in half of it */
};

struct handovers {
    struct handover **members;
    size_t count;
};

/* ------------------------------------------------------------------------------- going
 */

static bool may_go(const struct call *call)
{
    return !call->has_body && !call->on_dispatch && !call->coalesces && !call->flight &&
           !call->is_shared && !call->was_away;
}

/* How many calls at the front of the pair may go, and what their texts take. */
static size_t count_calls(const struct pair *pair, size_t *ret_text_size)
{
    size_t count = 0;
    *ret_text_size = 0;
    for (struct list *node = pair->calls.next; node != &pair->calls && count < PARCEL;
         node = node->next) {
        const struct call *call = container_of(node, struct call, node);
        if (!may_go(call))
            break;
        *ret_text_size += call_copy_size(call);
        count++;
    }
    return count;
}

/* The pair may be gone thereafter. */
static void fill(struct fetcher *fetcher, struct parcel *parcel, struct pair *pair)
{
    void *room = parcel_room(parcel);
    for (size_t i = 0; i < parcel->count; i++) {
        struct call *call = container_of(list_first(&pair->calls), struct call, node);
        origins_leave(fetcher->origins, call, fetcher->setup.loop->now_us);
        loop_timer_clear(fetcher->setup.loop, &call->timer);
        call->origin = NULL;
        room = parcel_pack(parcel, i, call, room);
        parcel->guests[i].call.on_done = handover_on_guest_done;
    }
}

/* Before it is in the mail: then it may be gone at any time. */
static void remember(struct handover *own, struct parcel *parcel)
{
    struct loop *loop = own->fetcher->setup.loop;
    parcel->sent_ms = loop->now_ms;
    list_push_back(&own->sent, &parcel->home_node);
    list_push_back(&own->fresh, &parcel->fresh_node);
    if (!timer_is_set(&own->recall_timer))
        loop_timer_set(loop, &own->recall_timer, loop->now_ms + RECALL_MS);
}

static struct pair *find_pair(const struct fetcher *fetcher)
{
    struct pair *pair = schedule_peek_long(fetcher->schedule, LONG_QUEUE);
    if (!pair || flow_is_over(pair->flow))
        return NULL;
    bool has_places = caller_has_places(pair->flow->caller, PLACES) &&
                      budget_has_room(&fetcher->setup.budgets->in_flight, PLACES);
    return has_places ? pair : NULL;
}

/* False: there is nothing (more) to hand over now. */
static bool offer_to(struct fetcher *fetcher, struct handover *host)
{
    struct pair *pair = find_pair(fetcher);
    size_t text_size;
    size_t count = pair ? count_calls(pair, &text_size) : 0;
    if (count == 0)
        return false;
    if (!handover_reserve(host, count, fetcher->setup.loop->now_ms))
        return true;
    size_t size = parcel_size(pair->flow, count, text_size);
    struct parcel *parcel =
        parcel_new(pair->flow, count, size, &fetcher->setup.budgets->request_bytes);
    if (!parcel) {
        handover_unreserve(host, count);
        return false;
    }
    parcel->home = fetcher->handover;
    parcel->host = host;
    fill(fetcher, parcel, pair);
    remember(fetcher->handover, parcel);
    bool is_sent = mailbox_post(&host->mailbox, MAIL_PARCELS, &parcel->node);
    assert(is_sent); /* none leaves while any runs */
    (void)is_sent;
    metrics_add(fetcher->setup.metrics, METRIC_HANDED_OVER, 0, count);
    return true;
}

/* No turn sleeps while calls can start, so what a turn takes beyond its CPU time is spent
 * waiting for a CPU. */
static bool is_worth_it(struct fetcher *fetcher)
{
    struct handover *own = fetcher->handover;
    uint64_t wish = fetcher->snapshot->config->server.share_batches;
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
    const struct handover *own = fetcher->handover;
    const struct handovers *all = own->all;
    handover_publish(fetcher);
    if (!is_worth_it(fetcher))
        return;
    for (size_t i = 1; i < all->count; i++) {
        if (!offer_to(fetcher, all->members[(own->index + i) % all->count]))
            return;
    }
}

/* ------------------------------------------------------------------------- coming back
 */

/* The call knows its guest no more, and is idle. */
static void part(struct guest *guest)
{
    struct parcel *parcel = guest->parcel;
    struct call *call = guest->home_call;
    call_set_started(call, guest->call.started_us);
    call_set_phase(call, PHASE_IDLE);
    call->away = NULL;
    guest->home_call = NULL;
    if (--parcel->home_left > 0)
        return;
    list_remove(&parcel->home_node);
    list_remove(&parcel->fresh_node);
}

/* Home knows it no more: whoever reads the letter lets go. */
static void revoke(struct guest *guest)
{
    struct mailbox *box = &guest->parcel->host->mailbox;
    if (!mailbox_post(box, MAIL_REVOKED, &guest->revoke_node))
        guest_let_go(guest, 1);
}

/* There was no memory at the host for the outcome. Of a request that may have been sent:
 * with a code that says it was not, one that must not be sent twice would be. */
static void give_lost(struct call *call)
{
    const struct outcome lost = {
        .code = CALL_TOO_LARGE,
        .method = call->method,
        .message = "the gateway has no memory for the reply",
        .timing = {-1, -1, -1, -1, -1, -1, -1, 0, false, NULL, NULL, 0},
    };
    call->on_done(call, &lost);
}

bool handover_deliver(struct fetcher *fetcher)
{
    struct list *node = list_pop_front(&fetcher->handover->arrived);
    if (!node)
        return false;
    struct guest *guest = container_of(node, struct guest, return_node);
    struct call *call = guest->home_call;
    if (call) {
        part(guest);
        if (guest->result)
            call->on_done(call, &guest->result->outcome);
        else
            give_lost(call);
    }
    guest_drop_result(guest, &fetcher->setup.budgets->reply_bytes);
    guest_let_go(guest, call ? 2 : 1);
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
    (void)guest_recall(guest); /* else its host has started it */
    part(guest);
    revoke(guest);
}

/* From the last on, as each goes before the others that wait here. The one that was the
 * last of all may take the parcel with it. */
static void recall(struct handover *own, struct parcel *parcel)
{
    struct handover *host = parcel->host;
    size_t left = parcel->home_left;
    bool is_any = false;
    for (size_t i = parcel->count; left > 0; i--) {
        struct guest *guest = &parcel->guests[i - 1];
        struct call *call = guest->home_call;
        if (!call)
            continue;
        left--;
        if (!guest_recall(guest))
            continue;
        is_any = true;
        part(guest);
        revoke(guest);
        fetcher_start_again(own->fetcher, call);
    }
    if (is_any)
        handover_rest(host, own->fetcher->setup.loop->now_ms);
}

static void on_recall(struct timer *timer)
{
    struct handover *own = container_of(timer, struct handover, recall_timer);
    struct loop *loop = own->fetcher->setup.loop;
    struct list *node;
    while ((node = list_first(&own->fresh)) != NULL) {
        struct parcel *parcel = container_of(node, struct parcel, fresh_node);
        if (loop->now_ms < parcel->sent_ms + RECALL_MS) {
            loop_timer_set(loop, timer, parcel->sent_ms + RECALL_MS);
            return;
        }
        list_remove(node);
        recall(own, parcel);
    }
}

void handover_end_flow(struct fetcher *fetcher, const struct flow *flow)
{
    struct list *sent = &fetcher->handover->sent;
    for (struct list *node = sent->next; node != sent; node = node->next) {
        struct parcel *parcel = container_of(node, struct parcel, home_node);
        if (parcel->home_flow == flow)
            flow_set_over(&parcel->flow);
    }
}

void handover_read_mail(struct fetcher *fetcher)
{
    struct handover *own = fetcher->handover;
    struct mail mail;
    if (!mailbox_take(&own->mailbox, &mail))
        return;
    handover_host_guests(fetcher, &mail);
    list_move_all(&mail.letters[MAIL_RETURNED], &own->arrived);
}

/* --------------------------------------------------------------------------- lifecycle
 */

struct handovers *handovers_new(void)
{
    return memory_new(sizeof(struct handovers));
}

void handovers_free(struct handovers *handovers)
{
    if (!handovers)
        return;
    for (size_t i = 0; i < handovers->count; i++) {
        mailbox_done(&handovers->members[i]->mailbox);
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
    struct handover *own = memory_new(sizeof *own);
    own->fetcher = fetcher;
    own->recall_timer.on_due = on_recall;
    list_init(&own->sent);
    list_init(&own->fresh);
    list_init(&own->arrived);
    list_init(&own->hosted);
    add_member(fetcher->setup.shared->handovers, own);
    fetcher->handover = own;
    return mailbox_open(&own->mailbox, fetcher->setup.loop, err);
}

static void drop_parcels(struct list *parcels)
{
    struct list *node;
    while ((node = list_pop_front(parcels)) != NULL) {
        struct parcel *parcel = container_of(node, struct parcel, node);
        size_t count = parcel->count; /* with the last one the parcel may go */
        for (size_t i = 0; i < count; i++)
            guest_let_go(&parcel->guests[i], 1);
    }
}

static void drop_returned(struct fetcher *fetcher, struct list *returned)
{
    struct list *node;
    while ((node = list_pop_front(returned)) != NULL) {
        struct guest *guest = container_of(node, struct guest, return_node);
        guest_drop_result(guest, &fetcher->setup.budgets->reply_bytes);
        guest_let_go(guest, 1);
    }
}

static void drop_sent(struct handover *own)
{
    struct list *node;
    while ((node = list_first(&own->sent)) != NULL) {
        struct parcel *parcel = container_of(node, struct parcel, home_node);
        size_t left = parcel->home_left;
        for (size_t i = 0; left > 0; i++) {
            struct guest *guest = &parcel->guests[i];
            if (!guest->home_call)
                continue;
            left--;
            part(guest);
            guest_let_go(guest, 1);
        }
    }
}

void handover_part(struct fetcher *fetcher)
{
    struct handover *own = fetcher->handover;
    struct list *node;
    struct mail mail;
    if (!own)
        return;
    loop_timer_clear(fetcher->setup.loop, &own->recall_timer);
    mailbox_close(&own->mailbox, fetcher->setup.loop, &mail);
    drop_parcels(&mail.letters[MAIL_PARCELS]);
    while ((node = list_pop_front(&own->hosted)) != NULL)
        guest_let_go(container_of(node, struct guest, host_node), 1);
    while ((node = list_pop_front(&mail.letters[MAIL_REVOKED])) != NULL)
        guest_let_go(container_of(node, struct guest, revoke_node), 1);
    drop_returned(fetcher, &mail.letters[MAIL_RETURNED]);
    drop_returned(fetcher, &own->arrived);
    drop_sent(own);
}
