/* SPDX-License-Identifier: Apache-2.0 */
/* Callers by name, and their places. Asked by snapshot.c for each configuration, and by
 * the schedule for each item. */
#include "fetch/caller.h"

#include "base/memory.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct callers {
    void *tree; /* struct caller by name: tsearch(3) */
    size_t count;
};

struct callers *callers_new(void)
{
    return memory_new(sizeof(struct callers));
}

static void caller_free(void *node)
{
    struct caller *caller = node;
    free((char *)(uintptr_t)caller->name);
    free(caller);
}

void callers_free(struct callers *callers)
{
    if (!callers)
        return;
    tdestroy(callers->tree, caller_free);
    free(callers);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct caller *)a)->name, ((const struct caller *)b)->name);
}

struct caller *callers_get(struct callers *callers, const char *name)
{
    const struct caller wanted = {.name = name};
    struct caller **found = tfind(&wanted, &callers->tree, by_name);
    if (found)
        return *found;
    if (callers->count == CALLERS_MAX)
        return NULL;
    struct caller *caller = memory_new(sizeof *caller);
    caller->name = memory_copy_text(name);
    caller->in_flight.max = UINT64_MAX;
    if (!tsearch(caller, &callers->tree, by_name)) {
        caller_free(caller);
        return NULL;
    }
    callers->count++;
    return caller;
}

enum { SHARE_OF_FREE = 8 }; /* and as many besides, for processes with few places */

/* `held`: in all, with `more` that are not taken from the process yet. */
static bool is_within_share(const struct caller *caller, uint64_t held, uint64_t more)
{
    const struct budget *whole =
        atomic_load_explicit(&caller->whole, memory_order_relaxed);
    if (!whole)
        return true;
    uint64_t most = budget_max(whole);
    uint64_t taken = budget_held(whole) + more;
    uint64_t free = most > taken ? most - taken : 0;
    return held <= SHARE_OF_FREE * free + SHARE_OF_FREE;
}

bool caller_take_place(struct caller *caller)
{
    if (!budget_take(&caller->in_flight, 1))
        return false;
    if (is_within_share(caller, budget_held(&caller->in_flight), 0))
        return true;
    budget_give(&caller->in_flight, 1);
    return false;
}

bool caller_has_places(const struct caller *caller, uint64_t count)
{
    uint64_t held = budget_held(&caller->in_flight);
    return budget_has_room(&caller->in_flight, count) &&
           is_within_share(caller, held + count, count);
}

void caller_give_place(struct caller *caller)
{
    budget_give(&caller->in_flight, 1);
}
