/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side: which parcels a worker takes, and what becomes of guests. Called by
 * handover.c and fetcher.c.
 *
 * A worker that has its own to start, or cannot start what it has, takes none. That is
 * known at the end of a turn; what has changed since then, and that the slots of just
 * this origin are taken, home finds out when the call was not started. */
#include "fetch/fetcher_state.h"
#include "fetch/handover_state.h"

enum {
    SHORT_QUEUE = 32, /* a worker with less is given more */
    REST_MS = 20,     /* one parcel in so long may be in vain */
};
static const size_t TAKES_NONE = SIZE_MAX / 2; /* calls may be added to it */

/* ------------------------------------------------------------------- what homes ask for
 */

/* `coming` before `waiting`: what has left the one is in the other. */
bool handover_reserve(struct handover *host, size_t count, uint64_t now_ms)
{
    struct host_board *board = &host->board;
    size_t coming = atomic_load_explicit(&board->coming, memory_order_acquire);
    if (now_ms < atomic_load_explicit(&board->rests_until_ms, memory_order_relaxed))
        return false;
    do {
        size_t waiting = atomic_load_explicit(&board->waiting, memory_order_relaxed);
        if (waiting + coming >= SHORT_QUEUE)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&board->coming, &coming,
                                                    coming + count, memory_order_acquire,
                                                    memory_order_acquire));
    return true;
}

void handover_unreserve(struct handover *host, size_t count)
{
    atomic_fetch_sub_explicit(&host->board.coming, count, memory_order_relaxed);
}

void handover_rest(struct handover *host, uint64_t now_ms)
{
    atomic_store_explicit(&host->board.rests_until_ms, now_ms + REST_MS,
                          memory_order_relaxed);
}

/* Waiting without anything to start: for slots, or for their callers' places. */
void handover_publish(struct fetcher *fetcher)
{
    struct handover *own = fetcher->handover;
    size_t waiting = fetcher->schedule->waiting;
    if (fetcher->is_stalled || (waiting > 0 && !schedule_has_next(fetcher->schedule)))
        waiting = TAKES_NONE;
    atomic_store_explicit(&own->board.waiting, waiting, memory_order_relaxed);
    if (own->opened > 0)
        atomic_fetch_sub_explicit(&own->board.coming, own->opened, memory_order_release);
    own->opened = 0;
}

/* ------------------------------------------------------------------------------ guests
 */

bool handover_may_start(struct call *call)
{
    return guest_start(guest_of(call));
}

void handover_on_guest_done(struct call *call, const struct outcome *outcome)
{
    struct guest *guest = guest_of(call);
    struct budget *budget = &call->fetcher->setup.budgets->reply_bytes;
    (void)guest_start(guest); /* refused unstarted: home need not ask again */
    list_remove(&guest->host_node);
    guest->result = call_result_new(outcome);
    /* Forced: the flight gives its own charge for the same bytes back right behind this.
     */
    if (guest->result)
        budget_force(budget, guest->result->size);
    if (mailbox_post(&guest->parcel->home->mailbox, MAIL_RETURNED, &guest->return_node))
        return;
    guest_drop_result(guest, budget);
    guest_let_go(guest, 1);
}

static void open_parcel(struct fetcher *fetcher, struct parcel *parcel)
{
    struct handover *own = fetcher->handover;
    own->opened += parcel->count;
    for (size_t i = 0; i < parcel->count; i++) {
        list_push_back(&own->hosted, &parcel->guests[i].host_node);
        fetcher_start_again(fetcher, &parcel->guests[i].call);
    }
}

static void take_out(struct fetcher *fetcher, struct guest *guest)
{
    bool is_here = list_is_linked(&guest->host_node);
    if (is_here) {
        list_remove(&guest->host_node);
        fetcher_cancel(fetcher, &guest->call);
    }
    guest_let_go(guest, is_here ? 2 : 1); /* else its host's hold is on its way home */
}

/* In this order: what is revoked may be in a parcel of the same mail. */
void handover_host_guests(struct fetcher *fetcher, struct mail *mail)
{
    struct list *node;
    while ((node = list_pop_front(&mail->letters[MAIL_PARCELS])) != NULL)
        open_parcel(fetcher, container_of(node, struct parcel, node));
    while ((node = list_pop_front(&mail->letters[MAIL_REVOKED])) != NULL)
        take_out(fetcher, container_of(node, struct guest, revoke_node));
}
