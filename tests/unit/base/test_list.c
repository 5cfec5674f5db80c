/* SPDX-License-Identifier: Apache-2.0 */
/* base/list.h */
#include "base/list.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

struct thing {
    int number;
    struct list node;
};

Test(list, keeps_the_order_of_pushes)
{
    struct list head;
    list_init(&head);
    struct thing things[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_push_back(&head, &things[1].node);
    list_push_back(&head, &things[2].node);
    list_push_front(&head, &things[0].node);
    for (int expected = 1; expected <= 3; expected++) {
        struct list *node = list_pop_front(&head);
        cr_assert(ne(ptr, node, NULL));
        cr_assert(eq(int, container_of(node, struct thing, node)->number, expected));
    }
    cr_assert(list_is_empty(&head));
    cr_assert(eq(ptr, list_pop_front(&head), NULL));
}

Test(list, removing_a_node_that_is_in_no_list_changes_nothing)
{
    struct list head;
    list_init(&head);
    struct thing in = {.number = 1}, out = {.number = 2};
    list_push_back(&head, &in.node);
    list_remove(&out.node);
    list_remove(&in.node);
    list_remove(&in.node);
    cr_assert(list_is_empty(&head));
    cr_assert(not(list_is_linked(&in.node)));
}
