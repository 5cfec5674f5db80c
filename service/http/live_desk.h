/* SPDX-License-Identifier: Apache-2.0 */
/* How one worker learns what all of them know, for the live document, without a lock or a
 * count on anybody's way: it asks, each answers in its own turn, and nothing at all
 * happens while nobody looks.
 *
 *     asker:  live_desk_ask ─► a round with a part per worker; its slots; rings all
 *     each:   live_desk_turn ─► takes the round out of its slot, fills its part in slices
 *     last:   rings the asker ─► live_desk_turn ─► on_parts
 *
 * A worker that does not answer within LIVE_WAIT_MS is missing from the round; whoever
 * asks while a round of the same worker is under way gets that one. A worker has at most
 * one round under way with each other. */
#pragma once

#include "base/attributes.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/peak.h"
#include "fetch/fetcher.h"
#include "fetch/origin_report.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIVE_WAIT_MS = 1000 };

/* What one worker says of itself. */
struct live_part {
    atomic_bool is_here; /* the rest can be read */
    unsigned clients;    /* connections */
    uint64_t busy_us;    /* not asleep, since it was made */
    uint64_t lag_us;     /* the longest turn of the last second or two */
    struct origin_report *origins;
};

/* What the desks share. live_board_free comes after the last desk is gone. */
struct live_board;
struct live_board *live_board_new(unsigned workers);
void live_board_free(struct live_board *board);

struct live_desk_setup {
    struct live_board *board;
    unsigned index; /* of the worker */
    struct loop *loop;
    struct fetcher *fetcher;
    const struct peak *lag;     /* its turns, in microseconds */
    const atomic_uint *clients; /* its connections */
    /* Makes the worker `index` call live_desk_turn soon; any thread. */
    void (*ring)(void *context, unsigned index);
    void *context;
};

struct live_desk;
struct live_desk *live_desk_new(const struct live_desk_setup *setup);
/* live_desk_free forgets who waits. NULL is fine. */
void live_desk_free(struct live_desk *desk);

/* Who waits for a round. `parts`: one per worker, valid until it returns. Called from
 * live_desk_turn and from a timer, once. */
struct live_waiter {
    void (*on_parts)(struct live_waiter *waiter, struct live_part *parts, unsigned count);
    struct list node; /* the desk's */
};

/* live_desk_ask: on_parts follows, never from inside. live_desk_leave: it does not.
 * live_desk_hurry: it does at once, with what is there. */
void live_desk_ask(struct live_desk *desk, struct live_waiter *waiter);
void live_desk_leave(struct live_waiter *waiter);
void live_desk_hurry(struct live_desk *desk, struct live_waiter *waiter);

/* live_desk_turn answers what others have asked, a slice of it, and collects what was
 * asked here. Once per turn; costs a load while there is nothing. live_desk_has_work: the
 * next turn must not wait. */
void live_desk_turn(struct live_desk *desk);
bool live_desk_has_work(const struct live_desk *desk);
/* live_desk_ring is for `ring`: what it asks for is noticed by the next turn. Any thread.
 */
void live_desk_ring(struct live_desk *desk);
