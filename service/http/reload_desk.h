/* SPDX-License-Identifier: Apache-2.0 */
/* How a request asks main for a reload and hears how it went.
 *
 *     worker:  reload_desk_ask ─► a ticket on the board; rings main
 *     main:    reload_board_begin ─► … ─► reload_board_end: answers, rings the worker
 *     worker:  reload_desk_turn ─► on_answer
 *
 * Whoever asks while a reload is under way gets the next one: what was changed after its
 * beginning may not be in it. */
#pragma once

#include "base/list.h"
#include "base/slice.h"

#include <stdatomic.h>
#include <stdbool.h>

struct reload_board; /* main's */
struct reload_desk;  /* a worker's */

/* Who waits for the answer. on_answer is called once, from reload_desk_turn: `is_done`:
 * the configuration is in use, and `text` is a JSON object; else what is wrong, a line
 * each. */
struct reload_waiter {
    void (*on_answer)(struct reload_waiter *waiter, bool is_done, struct slice text);
    struct reload_ticket *ticket;
};

/* reload_board_new: `ring` makes main look at reload_board_is_asked soon; any thread.
 * reload_board_free comes after the last desk is gone. */
struct reload_board *reload_board_new(void (*ring)(void *context), void *context);
void reload_board_free(struct reload_board *board);

/* main's thread. reload_board_begin: those who have asked so far are answered by the next
 * reload_board_end, with a copy of `text`. */
bool reload_board_is_asked(struct reload_board *board);
void reload_board_begin(struct reload_board *board);
void reload_board_end(struct reload_board *board, bool is_done, struct slice text);

/* reload_desk_new: `ring` makes the worker call reload_desk_turn soon; any thread. */
struct reload_desk *reload_desk_new(struct reload_board *board,
                                    void (*ring)(void *context), void *context);
/* reload_desk_free forgets who waits. NULL is fine. */
void reload_desk_free(struct reload_desk *desk);

/* The worker's thread. reload_desk_ask: on_answer follows, never from inside.
 * reload_desk_leave: it does not; the reload happens all the same. reload_desk_turn costs
 * a load while there is nothing. */
void reload_desk_ask(struct reload_desk *desk, struct reload_waiter *waiter);
void reload_desk_leave(struct reload_waiter *waiter);
void reload_desk_turn(struct reload_desk *desk);
