/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list: the node lives in the object, membership costs nothing.
 * A node is in one list or in none; list_remove on a node that is in none is a no-op. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#define container_of(pointer, type, member)                                              \
    ((type *)((char *)(pointer) - offsetof(type, member)))

struct list {
    struct list *prev; /* NULL in a node that is in no list */
    struct list *next;
};

/* list_init makes `head` an empty list. Nodes need no init beyond being zeroed. */
static inline void list_init(struct list *head)
{
    head->prev = head;
    head->next = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_is_linked(const struct list *node)
{
    return node->next != NULL;
}

static inline void list_push_back(struct list *head, struct list *node)
{
    assert(!list_is_linked(node));
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_push_front(struct list *head, struct list *node)
{
    assert(!list_is_linked(node));
    node->next = head->next;
    node->prev = head;
    head->next->prev = node;
    head->next = node;
}

static inline void list_remove(struct list *node)
{
    if (!list_is_linked(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = NULL;
    node->next = NULL;
}

/* list_first returns the first node, or NULL. */
static inline struct list *list_first(const struct list *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

/* list_move_all puts the nodes of `from` behind those of `to`; `from` is empty then. */
static inline void list_move_all(struct list *from, struct list *to)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

/* list_pop_front unlinks and returns the first node, or NULL. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *node = list_first(head);
    if (node)
        list_remove(node);
    return node;
}
