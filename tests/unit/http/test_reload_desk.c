/* SPDX-License-Identifier: Apache-2.0 */
/* http/reload_desk.h: who asked when is answered by which reload. */
#include "http/reload_desk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static struct reload_board *board;
static struct reload_desk *desks[2];
static int main_rings, worker_rings[2], answers, last_done;
static char last_text[32];

static void ring_main(void *context)
{
    (void)context;
    main_rings++;
}

static void ring_worker(void *context)
{
    ++*(int *)context;
}

static void on_answer(struct reload_waiter *waiter, bool is_done, struct slice text)
{
    (void)waiter;
    answers++;
    last_done = is_done;
    memcpy(last_text, text.data, text.len);
    last_text[text.len] = '\0';
}

static void make(void)
{
    board = reload_board_new(ring_main, NULL);
    for (int i = 0; i < 2; i++)
        desks[i] = reload_desk_new(board, ring_worker, &worker_rings[i]);
}

static void done(void)
{
    for (int i = 0; i < 2; i++)
        reload_desk_free(desks[i]);
    reload_board_free(board);
}

TestSuite(reload_desk, .init = make, .fini = done);

static void turn(void)
{
    for (int i = 0; i < 2; i++)
        reload_desk_turn(desks[i]);
}

Test(reload_desk, who_has_asked_is_answered_at_its_desk)
{
    struct reload_waiter one = {.on_answer = on_answer}, other = one;
    cr_expect(not(reload_board_is_asked(board)));
    reload_desk_ask(desks[0], &one);
    reload_desk_ask(desks[1], &other);
    cr_expect(reload_board_is_asked(board) && main_rings == 2);
    reload_board_begin(board);
    turn();
    cr_expect(answers == 0 && !reload_board_is_asked(board));
    reload_board_end(board, true, slice_from("yes"));
    cr_expect(worker_rings[0] == 1 && worker_rings[1] == 1);
    turn();
    turn();
    cr_expect(answers == 2 && last_done);
    cr_expect_str_eq(last_text, "yes");
}

Test(reload_desk, who_asks_while_one_is_under_way_gets_the_next)
{
    struct reload_waiter late = {.on_answer = on_answer};
    reload_board_begin(board);
    reload_desk_ask(desks[0], &late);
    reload_board_end(board, true, slice_from("too early"));
    turn();
    cr_expect(answers == 0 && reload_board_is_asked(board));
    reload_board_begin(board);
    reload_board_end(board, false, slice_from("no"));
    turn();
    cr_expect(answers == 1 && !last_done);
}

Test(reload_desk, who_has_left_hears_nothing)
{
    struct reload_waiter gone = {.on_answer = on_answer};
    reload_desk_ask(desks[0], &gone);
    reload_desk_leave(&gone);
    reload_board_begin(board);
    reload_board_end(board, true, slice_from("x"));
    turn();
    cr_expect(answers == 0);
}

Test(reload_desk, a_desk_may_go_while_its_tickets_are_anywhere)
{
    struct reload_waiter waiters[4] = {{.on_answer = on_answer},
                                       {.on_answer = on_answer},
                                       {.on_answer = on_answer},
                                       {.on_answer = on_answer}};
    reload_desk_ask(desks[0], &waiters[0]);
    reload_board_begin(board);
    reload_board_end(board, true, slice_from("answered"));
    reload_desk_ask(desks[0], &waiters[1]);
    reload_board_begin(board);
    reload_desk_ask(desks[0], &waiters[2]);
    reload_desk_ask(desks[1], &waiters[3]);
    reload_desk_free(desks[0]);
    desks[0] = NULL;
    cr_expect(reload_board_is_asked(board), "by the other one");
    reload_board_end(board, true, slice_from("x"));
    reload_desk_turn(desks[1]);
    cr_expect(answers == 0);
}
