/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of the live document, see the header. A round belongs to its asker, to each slot
 * it is in, and to each worker that fills its part; the last one of them frees it. A slot
 * is one pointer that is exchanged: whoever gets it out owns that share. */
#include "http/live_desk.h"

#include "base/memory.h"

#include <stdlib.h>

struct live_round {
    atomic_uint owners;
    atomic_uint left; /* parts that are not there */
    unsigned asker;
    unsigned count;
    struct live_part parts[];
};

struct live_board {
    unsigned count;
    /* The round that worker `asker` wants from worker `index`: [index * count + asker] */
    _Atomic(struct live_round *) slots[];
};

struct live_desk {
    struct live_desk_setup setup;
    uint64_t since_us;
    atomic_bool is_rung;

    /* Asked here. */
    struct live_round *round; /* NULL: none */
    struct list waiters;
    struct timer timer;

    /* Being answered here. */
    struct live_round *answering; /* NULL: none */
    size_t cursor;
};

static void release(struct live_round *round)
{
    if (!round || atomic_fetch_sub_explicit(&round->owners, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned i = 0; i < round->count; i++)
        free(round->parts[i].origins);
    free(round);
}

static _Atomic(struct live_round *) *slot_of(struct live_board *board, unsigned index,
                                             unsigned asker)
{
    return &board->slots[(size_t)index * board->count + asker];
}

struct live_board *live_board_new(unsigned workers)
{
    size_t slots = (size_t)workers * workers;
    struct live_board *board = memory_new(sizeof *board + slots * sizeof board->slots[0]);
    board->count = workers;
    return board;
}

void live_board_free(struct live_board *board)
{
    if (!board)
        return;
    for (size_t i = 0; i < (size_t)board->count * board->count; i++)
        release(atomic_load(&board->slots[i]));
    free(board);
}

/* ------------------------------------------------------------------------- asking */

static void hand_out(struct live_desk *desk)
{
    struct live_round *round = desk->round;
    struct list waiters;
    struct list *node;
    loop_timer_clear(desk->setup.loop, &desk->timer);
    desk->round = NULL; /* who asks from inside on_parts gets a new one */
    list_init(&waiters);
    list_move_all(&desk->waiters, &waiters);
    while ((node = list_pop_front(&waiters)) != NULL) {
        struct live_waiter *waiter = container_of(node, struct live_waiter, node);
        waiter->on_parts(waiter, round->parts, round->count);
    }
    release(round);
}

static void on_late(struct timer *timer)
{
    hand_out(container_of(timer, struct live_desk, timer));
}

static void start(struct live_desk *desk)
{
    struct live_board *board = desk->setup.board;
    struct live_round *round =
        memory_new(sizeof *round + board->count * sizeof round->parts[0]);
    round->asker = desk->setup.index;
    round->count = board->count;
    atomic_store(&round->owners, 1 + board->count);
    atomic_store(&round->left, board->count);
    desk->round = round;
    for (unsigned i = 0; i < board->count; i++) {
        /* What a worker has not even looked at is of no use to anybody any more. */
        release(atomic_exchange(slot_of(board, i, round->asker), round));
        desk->setup.ring(desk->setup.context, i);
    }
    loop_timer_set(desk->setup.loop, &desk->timer,
                   desk->setup.loop->now_ms + LIVE_WAIT_MS);
}

void live_desk_ask(struct live_desk *desk, struct live_waiter *waiter)
{
    list_push_back(&desk->waiters, &waiter->node);
    if (!desk->round)
        start(desk);
}

void live_desk_leave(struct live_waiter *waiter)
{
    list_remove(&waiter->node);
}

void live_desk_hurry(struct live_desk *desk, struct live_waiter *waiter)
{
    list_remove(&waiter->node);
    waiter->on_parts(waiter, desk->round->parts, desk->round->count);
}

/* ----------------------------------------------------------------------- answering */

static void take_next(struct live_desk *desk)
{
    struct live_board *board = desk->setup.board;
    for (unsigned asker = 0; asker < board->count && !desk->answering; asker++)
        desk->answering = atomic_exchange(slot_of(board, desk->setup.index, asker), NULL);
    if (!desk->answering)
        return;
    desk->cursor = 0;
    desk->answering->parts[desk->setup.index].origins = origin_report_new();
}

static void finish(struct live_desk *desk)
{
    struct live_round *round = desk->answering;
    struct live_part *part = &round->parts[desk->setup.index];
    const struct loop *loop = desk->setup.loop;
    desk->answering = NULL;
    part->clients = atomic_load_explicit(desk->setup.clients, memory_order_relaxed);
    part->busy_us = loop->now_us - desk->since_us - loop->idle_us;
    part->lag_us = peak_read(desk->setup.lag, loop->now_ms);
    atomic_store_explicit(&part->is_here, true, memory_order_release);
    if (atomic_fetch_sub(&round->left, 1) == 1)
        desk->setup.ring(desk->setup.context, round->asker);
    release(round);
}

static void answer(struct live_desk *desk)
{
    if (!desk->answering)
        take_next(desk);
    if (!desk->answering)
        return;
    struct live_part *part = &desk->answering->parts[desk->setup.index];
    if (fetcher_report_origins(desk->setup.fetcher, part->origins, &desk->cursor))
        return;
    finish(desk);
    live_desk_ring(desk); /* others may have asked meanwhile */
}

void live_desk_turn(struct live_desk *desk)
{
    bool is_rung = atomic_load_explicit(&desk->is_rung, memory_order_relaxed) &&
                   atomic_exchange(&desk->is_rung, false);
    if (!is_rung && !desk->answering)
        return;
    answer(desk);
    if (desk->round && atomic_load(&desk->round->left) == 0)
        hand_out(desk);
}

bool live_desk_has_work(const struct live_desk *desk)
{
    return desk->answering || atomic_load_explicit(&desk->is_rung, memory_order_relaxed);
}

void live_desk_ring(struct live_desk *desk)
{
    atomic_store(&desk->is_rung, true);
}

/* ----------------------------------------------------------------------- lifecycle */

struct live_desk *live_desk_new(const struct live_desk_setup *setup)
{
    struct live_desk *desk = memory_new(sizeof *desk);
    desk->setup = *setup;
    desk->since_us = setup->loop->now_us;
    desk->timer.on_due = on_late;
    list_init(&desk->waiters);
    return desk;
}

void live_desk_free(struct live_desk *desk)
{
    if (!desk)
        return;
    while (list_pop_front(&desk->waiters))
        ;
    loop_timer_clear(desk->setup.loop, &desk->timer);
    release(desk->round);
    release(desk->answering);
    free(desk);
}
