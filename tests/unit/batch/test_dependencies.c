/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for whom, and whether anybody ever could start. */
#include "batch/dependencies.h"

#include <criterion/criterion.h>

#include <stdint.h>
#include <stdlib.h>

static struct dependencies make(size_t items, const struct dependency *edges,
                                size_t count)
{
    struct dependencies made;
    cr_assert(dependencies_make(&made, items, edges, count));
    return made;
}

/* A cycle's items as letters; "": none. */
static const char *cycle_of(const char *edges)
{
    static char text[32];
    struct dependency list[32];
    size_t count = 0;
    for (const char *at = edges; *at; at += at[2] ? 3 : 2)
        list[count++] = (struct dependency){.item = (size_t)(at[0] - 'a'),
                                            .needs = (size_t)(at[1] - 'a')};
    struct dependencies made = make(8, list, count);
    size_t *cycle = NULL;
    size_t len = 0;
    cr_assert(dependencies_find_cycle(&made, &cycle, &len));
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + cycle[i]);
    text[len] = '\0';
    free(cycle);
    dependencies_done(&made);
    return text;
}

Test(dependencies, stand_in_both_directions)
{
    static const struct dependency edges[] = {{2, 0}, {1, 0}, {2, 1}, {2, 0}, {0, 3}};
    struct dependencies made = make(4, edges, 5);
    static const size_t needs_at[] = {0, 1, 2, 4, 4};
    static const size_t needs[] = {3, 0, 0, 1};
    static const size_t users_at[] = {0, 2, 3, 3, 4};
    static const size_t users[] = {1, 2, 2, 0};
    cr_expect_eq(made.edge_count, 4, "the double is dropped");
    cr_expect_arr_eq(made.needs_at, needs_at, sizeof needs_at);
    cr_expect_arr_eq(made.needs, needs, sizeof needs);
    cr_expect_arr_eq(made.users_at, users_at, sizeof users_at);
    cr_expect_arr_eq(made.users, users, sizeof users);
    dependencies_done(&made);
    dependencies_done(&made);
}

Test(dependencies, a_cycle_is_found_and_named_from_whoever_comes_first)
{
    static const struct {
        const char *edges;
        const char *cycle;
    } cases[] = {
        {"", ""},
        {"ba", ""},
        {"ba cb dc", ""},
        {"ab ac bd cd", ""},
        {"aa", "a"},
        {"ab ba", "ab"},
        {"ab bc ca", "abc"},
        {"ab bc cb", "bc"},
        {"ab ac cd dc", "cd"},
        {"ha hb gh hg", "gh"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(cycle_of(cases[i].edges), cases[i].cycle, "%s: %s",
                         cases[i].edges, cycle_of(cases[i].edges));
}

Test(dependencies, of_many_items_take_no_recursion)
{
    enum { MANY = 100000 };
    struct dependency *edges = malloc(MANY * sizeof *edges);
    for (size_t i = 0; i < MANY; i++)
        edges[i] = (struct dependency){.item = i, .needs = (i + 1) % MANY};
    struct dependencies made = make(MANY, edges, MANY);
    size_t *cycle = NULL;
    size_t len = 0;
    cr_assert(dependencies_find_cycle(&made, &cycle, &len));
    cr_expect_eq(len, MANY);
    free(cycle);
    dependencies_done(&made);
    made = make(MANY, edges, MANY - 1);
    cr_assert(dependencies_find_cycle(&made, &cycle, &len));
    cr_expect_eq(len, 0);
    free(cycle);
    dependencies_done(&made);
    free(edges);
}

Test(dependencies, no_memory_is_a_value)
{
    struct dependencies made;
    cr_expect(!dependencies_make(&made, SIZE_MAX / 8, NULL, 0));
}
