/* SPDX-License-Identifier: Apache-2.0 */
/* The list of callers: the first is everybody, then one for each name among the keys.
 * Made by serve.c; asked by the front for every request with a key. */
#include "fetch/caller.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct callers {
    struct guard *guard;
    struct caller *items; /* everybody first */
    size_t count;
    size_t *of_key; /* index into items, by index of the key */
    size_t key_count;
};

static size_t find_or_add(struct callers *callers, const char *name)
{
    for (size_t i = 1; i < callers->count; i++) {
        if (strcmp(callers->items[i].name, name) == 0)
            return i;
    }
    callers->items[callers->count] = (struct caller){
        .name = name, .guard = callers->guard, .in_flight = {.max = UINT64_MAX}};
    return callers->count++;
}

struct callers *callers_new(const struct config *config, struct error *err)
{
    const struct config_keys *keys = &config->auth.keys;
    struct callers *callers = memory_new(sizeof *callers);
    callers->guard = guard_new(config, err);
    if (!callers->guard) {
        callers_free(callers);
        return NULL;
    }
    callers->items = memory_new((keys->count + 1) * sizeof *callers->items);
    callers->items[0] = (struct caller){
        .name = "", .guard = callers->guard, .in_flight = {.max = UINT64_MAX}};
    callers->count = 1;
    callers->of_key = memory_new((keys->count + 1) * sizeof *callers->of_key);
    callers->key_count = keys->count;
    for (size_t i = 0; i < keys->count; i++)
        callers->of_key[i] = find_or_add(callers, keys->items[i].name);
    return callers;
}

void callers_free(struct callers *callers)
{
    if (!callers)
        return;
    guard_free(callers->guard);
    free(callers->items);
    free(callers->of_key);
    free(callers);
}

struct caller *callers_everybody(struct callers *callers)
{
    return &callers->items[0];
}

struct caller *callers_of_key(struct callers *callers, size_t index)
{
    assert(index < callers->key_count);
    return &callers->items[callers->of_key[index]];
}

bool callers_add_own(struct callers *callers, const struct sockaddr *listener,
                     struct error *err)
{
    return guard_add_own(callers->guard, listener, err);
}
