/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket is in the board's list until main has answered it, then in its desk's, both
 * under the board's lock; who waits for it is the worker's alone. Reloads are rare: one
 * lock does. */
#include "http/reload_desk.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct reload_ticket {
    struct list node;
    struct reload_desk *desk;
    struct reload_waiter *waiter; /* NULL: has left */
    bool is_done;
    size_t len;
    char *text;
};

struct reload_board {
    pthread_mutex_t lock;
    struct list asked; /* tickets for the next reload */
    struct list begun; /* for the one under way */
    void (*ring)(void *context);
    void *context;
};

struct reload_desk {
    struct reload_board *board;
    struct list answered; /* under the board's lock */
    atomic_bool has_answers;
    void (*ring)(void *context);
    void *context;
};

struct reload_board *reload_board_new(void (*ring)(void *context), void *context)
{
    struct reload_board *board = memory_new(sizeof *board);
    pthread_mutex_init(&board->lock, NULL);
    list_init(&board->asked);
    list_init(&board->begun);
    board->ring = ring;
    board->context = context;
    return board;
}

static struct reload_ticket *ticket_of(struct list *node)
{
    return container_of(node, struct reload_ticket, node);
}

static void free_ticket(struct reload_ticket *ticket)
{
    free(ticket->text);
    free(ticket);
}

static void free_all(struct list *tickets)
{
    struct list *node;
    while ((node = list_pop_front(tickets)) != NULL)
        free_ticket(ticket_of(node));
}

void reload_board_free(struct reload_board *board)
{
    if (!board)
        return;
    free_all(&board->asked);
    free_all(&board->begun);
    pthread_mutex_destroy(&board->lock);
    free(board);
}

bool reload_board_is_asked(struct reload_board *board)
{
    pthread_mutex_lock(&board->lock);
    bool is_asked = !list_is_empty(&board->asked);
    pthread_mutex_unlock(&board->lock);
    return is_asked;
}

void reload_board_begin(struct reload_board *board)
{
    pthread_mutex_lock(&board->lock);
    list_move_all(&board->asked, &board->begun);
    pthread_mutex_unlock(&board->lock);
}

static void answer(struct reload_ticket *ticket, bool is_done, struct slice text)
{
    struct reload_desk *desk = ticket->desk;
    ticket->is_done = is_done;
    ticket->len = text.len;
    ticket->text = memory_new(text.len + 1);
    if (text.len > 0)
        memcpy(ticket->text, text.data, text.len);
    list_push_back(&desk->answered, &ticket->node);
    atomic_store(&desk->has_answers, true);
    desk->ring(desk->context);
}

void reload_board_end(struct reload_board *board, bool is_done, struct slice text)
{
    struct list *node;
    pthread_mutex_lock(&board->lock);
    while ((node = list_pop_front(&board->begun)) != NULL)
        answer(ticket_of(node), is_done, text);
    pthread_mutex_unlock(&board->lock);
}

struct reload_desk *reload_desk_new(struct reload_board *board,
                                    void (*ring)(void *context), void *context)
{
    struct reload_desk *desk = memory_new(sizeof *desk);
    desk->board = board;
    list_init(&desk->answered);
    desk->ring = ring;
    desk->context = context;
    return desk;
}

/* Those of `desk` in `tickets` are nobody's any more. */
static void free_of(struct list *tickets, const struct reload_desk *desk)
{
    struct list *next;
    for (struct list *node = tickets->next; node != tickets; node = next) {
        struct reload_ticket *ticket = ticket_of(node);
        next = node->next;
        if (ticket->desk != desk)
            continue;
        list_remove(node);
        free_ticket(ticket);
    }
}

void reload_desk_free(struct reload_desk *desk)
{
    if (!desk)
        return;
    pthread_mutex_lock(&desk->board->lock);
    free_of(&desk->board->asked, desk);
    free_of(&desk->board->begun, desk);
    pthread_mutex_unlock(&desk->board->lock);
    free_all(&desk->answered);
    free(desk);
}

void reload_desk_ask(struct reload_desk *desk, struct reload_waiter *waiter)
{
    struct reload_ticket *ticket = memory_new(sizeof *ticket);
    ticket->desk = desk;
    ticket->waiter = waiter;
    waiter->ticket = ticket;
    pthread_mutex_lock(&desk->board->lock);
    list_push_back(&desk->board->asked, &ticket->node);
    pthread_mutex_unlock(&desk->board->lock);
    desk->board->ring(desk->board->context);
}

void reload_desk_leave(struct reload_waiter *waiter)
{
    waiter->ticket->waiter = NULL;
}

void reload_desk_turn(struct reload_desk *desk)
{
    struct list answered;
    struct list *node;
    if (!atomic_load_explicit(&desk->has_answers, memory_order_relaxed))
        return;
    list_init(&answered);
    pthread_mutex_lock(&desk->board->lock);
    list_move_all(&desk->answered, &answered);
    atomic_store(&desk->has_answers, false);
    pthread_mutex_unlock(&desk->board->lock);
    while ((node = list_pop_front(&answered)) != NULL) {
        struct reload_ticket *ticket = ticket_of(node);
        if (ticket->waiter)
            ticket->waiter->on_answer(ticket->waiter, ticket->is_done,
                                      slice_make(ticket->text, ticket->len));
        free_ticket(ticket);
    }
}
