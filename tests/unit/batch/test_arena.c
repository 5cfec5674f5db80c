/* SPDX-License-Identifier: Apache-2.0 */
/* Memory taken in pieces of every size: apart from each other, aligned, released as a
 * whole. */
#include "batch/arena.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(arena, pieces_do_not_overlap_and_are_aligned)
{
    enum { COUNT = 3000 };
    static char *pieces[COUNT];
    struct arena arena = {.chunks = NULL};
    for (size_t i = 0; i < COUNT; i++) {
        pieces[i] = arena_take(&arena, i % 1500 + 1);
        cr_assert_not_null(pieces[i]);
        cr_assert_eq((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i % 251), i % 1500 + 1);
    }
    for (size_t i = 0; i < COUNT; i++) {
        cr_assert_eq((unsigned char)pieces[i][0], i % 251);
        cr_assert_eq((unsigned char)pieces[i][i % 1500], i % 251);
    }
    arena_done(&arena);
}

Test(arena, a_copy_ends_with_a_nul_that_does_not_count)
{
    struct arena arena = {.chunks = NULL};
    struct slice copy = arena_copy(&arena, slice_make("abc", 2));
    cr_expect_eq(copy.len, 2);
    cr_expect_str_eq(copy.data, "ab");
    copy = arena_copy(&arena, slice_make(NULL, 0));
    cr_expect_eq(copy.len, 0);
    cr_expect_str_eq(copy.data, "");
    arena_done(&arena);
}

Test(arena, an_impossible_size_fails_as_a_value)
{
    struct arena arena = {.chunks = NULL};
    volatile size_t huge = SIZE_MAX;
    cr_expect_null(arena_take(&arena, huge));
    cr_expect_null(arena_copy(&arena, slice_make("x", huge)).data);
    cr_expect_not_null(arena_take(&arena, 1));
    arena_done(&arena);
}

Test(arena, done_may_be_called_on_nothing_and_twice)
{
    struct arena arena = {.chunks = NULL};
    arena_done(&arena);
    cr_assert_not_null(arena_take(&arena, 10));
    arena_done(&arena);
    arena_done(&arena);
    cr_expect_null(arena.chunks);
}
