/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/pointer_map.h: what was added is found until it is removed, however many. */
#include "fetch/pointer_map.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(pointer_map, that_is_zeroed_is_empty)
{
    struct pointer_map map = {0};
    cr_assert_null(pointer_map_find(&map, &map, &map));
    pointer_map_done(&map);
}

Test(pointer_map, finds_by_both_pointers_in_their_order)
{
    struct pointer_map map = {0};
    struct pointer_link links[2] = {0};
    int a = 0, b = 0;
    pointer_map_add(&map, &links[0], &a, &b);
    cr_assert_eq(pointer_map_find(&map, &a, &b), &links[0]);
    cr_assert_null(pointer_map_find(&map, &b, &a));
    cr_assert_null(pointer_map_find(&map, &a, NULL));
    pointer_map_add(&map, &links[1], &b, &a);
    cr_assert_eq(pointer_map_find(&map, &b, &a), &links[1]);
    pointer_map_remove(&map, &links[0]);
    cr_assert_null(pointer_map_find(&map, &a, &b));
    cr_assert_eq(pointer_map_find(&map, &b, &a), &links[1]);
    pointer_map_done(&map);
}

Test(pointer_map, holds_thousands_and_forgets_each)
{
    enum { COUNT = 5000 };
    static struct pointer_link links[COUNT];
    struct pointer_map map = {0};
    for (int i = 0; i < COUNT; i++)
        pointer_map_add(&map, &links[i], &links[i % 100], &links[i]);
    cr_assert_eq(map.count, COUNT);
    for (int i = 0; i < COUNT; i += 2)
        pointer_map_remove(&map, &links[i]);
    for (int i = 0; i < COUNT; i++)
        cr_assert_eq(pointer_map_find(&map, &links[i % 100], &links[i]),
                     i % 2 ? &links[i] : NULL);
    for (int i = 1; i < COUNT; i += 2)
        pointer_map_remove(&map, &links[i]);
    cr_assert_eq(map.count, 0);
    pointer_map_done(&map);
}
