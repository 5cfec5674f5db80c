/* SPDX-License-Identifier: Apache-2.0 */
/* Two counting sorts for the graph, Kahn's algorithm for cycles: take away what needs
 * nothing, again and again; of what is left each needs another that is left, and whoever
 * follows that from any of them comes round. Called by parse_references.c. */
#include "batch/dependencies.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MARK_NONE = 0 };

/* Turns counts per item into where each one's run begins. */
static void sum_up(size_t *at, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i <= count; i++) {
        size_t mine = at[i];
        at[i] = sum;
        sum += mine;
    }
}

static void fill_needs(struct dependencies *made, const struct dependency *edges,
                       size_t edge_count)
{
    for (size_t i = 0; i < edge_count; i++)
        made->needs_at[edges[i].item]++;
    sum_up(made->needs_at, made->item_count);
    for (size_t i = 0; i < edge_count; i++)
        made->needs[made->needs_at[edges[i].item]++] = edges[i].needs;
    memmove(made->needs_at + 1, made->needs_at, made->item_count * sizeof(size_t));
    made->needs_at[0] = 0;
}

/* Takes doubles out of each run; seen[n] is the item (counted from 1) that n was last
 * seen with. */
static void drop_doubles(struct dependencies *made, size_t *seen)
{
    size_t kept = 0;
    size_t from = 0;
    for (size_t item = 0; item < made->item_count; item++) {
        size_t end = made->needs_at[item + 1];
        for (size_t i = from; i < end; i++) {
            size_t needs = made->needs[i];
            if (seen[needs] == item + 1)
                continue;
            seen[needs] = item + 1;
            made->needs[kept++] = needs;
        }
        from = end;
        made->needs_at[item + 1] = kept;
    }
    made->edge_count = kept;
}

static void fill_users(struct dependencies *made)
{
    for (size_t i = 0; i < made->edge_count; i++)
        made->users_at[made->needs[i]]++;
    sum_up(made->users_at, made->item_count);
    for (size_t item = 0; item < made->item_count; item++) {
        for (size_t i = made->needs_at[item]; i < made->needs_at[item + 1]; i++)
            made->users[made->users_at[made->needs[i]]++] = item;
    }
    memmove(made->users_at + 1, made->users_at, made->item_count * sizeof(size_t));
    made->users_at[0] = 0;
}

bool dependencies_make(struct dependencies *dependencies, size_t item_count,
                       const struct dependency *edges, size_t edge_count)
{
    struct dependencies made = {.item_count = item_count};
    made.needs_at = memory_try_array(item_count + 1, sizeof(size_t));
    made.users_at = memory_try_array(item_count + 1, sizeof(size_t));
    made.needs = memory_try_array(edge_count + 1, sizeof(size_t));
    made.users = memory_try_array(edge_count + 1, sizeof(size_t));
    size_t *seen = memory_try_array(item_count + 1, sizeof(size_t));
    bool has_memory = made.needs_at && made.users_at && made.needs && made.users && seen;
    if (has_memory) {
        fill_needs(&made, edges, edge_count);
        drop_doubles(&made, seen);
        fill_users(&made);
        *dependencies = made;
    } else {
        dependencies_done(&made);
    }
    free(seen);
    return has_memory;
}

void dependencies_done(struct dependencies *dependencies)
{
    free(dependencies->needs_at);
    free(dependencies->needs);
    free(dependencies->users_at);
    free(dependencies->users);
    *dependencies = (struct dependencies){.item_count = 0};
}

/* How many items are taken away; left[i] is then how many that item i needs are left. */
static size_t take_away(const struct dependencies *graph, size_t *left, size_t *queue)
{
    size_t queued = 0;
    for (size_t i = 0; i < graph->item_count; i++) {
        left[i] = graph->needs_at[i + 1] - graph->needs_at[i];
        if (left[i] == 0)
            queue[queued++] = i;
    }
    for (size_t taken = 0; taken < queued; taken++) {
        size_t item = queue[taken];
        for (size_t i = graph->users_at[item]; i < graph->users_at[item + 1]; i++) {
            if (--left[graph->users[i]] == 0)
                queue[queued++] = graph->users[i];
        }
    }
    return queued;
}

static size_t first_left(const struct dependencies *graph, const size_t *left)
{
    size_t item = 0;
    while (left[item] == 0)
        item++;
    (void)graph;
    return item;
}

static size_t needed_left(const struct dependencies *graph, const size_t *left,
                          size_t item)
{
    size_t i = graph->needs_at[item];
    while (left[graph->needs[i]] == 0)
        i++;
    return graph->needs[i];
}

/* Walks until it comes to an item again; `path` takes the cycle, `seen` the place of each
 * item in the walk, counted from 1. */
static size_t walk_round(const struct dependencies *graph, const size_t *left,
                         size_t *path, size_t *seen)
{
    size_t count = 0;
    size_t item = first_left(graph, left);
    memset(seen, 0, graph->item_count * sizeof *seen);
    while (seen[item] == MARK_NONE) {
        path[count++] = item;
        seen[item] = count;
        item = needed_left(graph, left, item);
    }
    size_t before = seen[item] - 1;
    memmove(path, path + before, (count - before) * sizeof *path);
    return count - before;
}

bool dependencies_find_cycle(const struct dependencies *dependencies, size_t **ret_cycle,
                             size_t *ret_count)
{
    size_t room = dependencies->item_count + 1;
    size_t *left = memory_try_array(room, sizeof *left);
    size_t *queue = memory_try_array(room, sizeof *queue);
    size_t *path = memory_try_array(room, sizeof *path);
    bool has_memory = left && queue && path;
    if (has_memory) {
        size_t taken = take_away(dependencies, left, queue);
        *ret_count = taken == dependencies->item_count
                         ? 0
                         : walk_round(dependencies, left, path, queue);
        *ret_cycle = path;
    } else {
        free(path);
    }
    free(left);
    free(queue);
    return has_memory;
}
