/* SPDX-License-Identifier: Apache-2.0 */
/* The list of callers: the first is everybody, then one for each name among the keys.
 * Made by serve.c; asked by the front for every request with a key. */
#include "fetch/caller.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct callers {
    const struct config *config;
    struct guard **guards; /* one an entry of egress.rules, and the last without any */
    size_t guard_count;
    struct caller *items; /* everybody first */
    size_t count;
    size_t *of_key; /* index into items, by index of the key */
    size_t key_count;
};

static bool has_name(const struct config_strings *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0)
            return true;
    }
    return false;
}

/* The index of the rule that names the key, else of the one for "*", else `count`. */
static size_t find_rule(const struct config_rules *rules, const char *name)
{
    size_t found = rules->count;
    for (size_t i = 0; i < rules->count; i++) {
        if (has_name(&rules->items[i].keys, name))
            return i;
        if (has_name(&rules->items[i].keys, "*"))
            found = i;
    }
    return found;
}

/* Likewise; NULL: none. */
static const struct config_limit *find_limit(const struct config_limits *limits,
                                             const char *name)
{
    const struct config_limit *found = NULL;
    for (size_t i = 0; i < limits->count; i++) {
        if (has_name(&limits->items[i].keys, name))
            return &limits->items[i];
        if (has_name(&limits->items[i].keys, "*"))
            found = &limits->items[i];
    }
    return found;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* No batch may be larger than the burst, or it could never pass: without a burst in the
 * configuration there is one for the largest batch, with one it is the largest batch. */
static void set_limits(struct caller *caller, const struct config_limit *limit,
                       uint64_t max_items)
{
    uint64_t burst = limit->burst;
    caller->max_items =
        limit->max_items ? smaller(limit->max_items, max_items) : max_items;
    if (burst)
        caller->max_items = smaller(caller->max_items, burst);
    else
        burst = larger(limit->items_per_second, caller->max_items);
    rate_init(&caller->items, limit->items_per_second, burst);
    if (limit->max_in_flight)
        caller->in_flight.max = limit->max_in_flight;
}

/* Fills a zeroed caller; "" is everybody, for whom entries about keys do not hold. */
static void init_caller(const struct callers *callers, struct caller *caller,
                        const char *name)
{
    const struct config *config = callers->config;
    const struct config_rules *rules = &config->egress.rules;
    bool is_key = *name != '\0';
    size_t rule = is_key ? find_rule(rules, name) : rules->count;
    const struct config_limit *limit =
        is_key ? find_limit(&config->auth.limits, name) : NULL;
    caller->name = name;
    caller->guard = callers->guards[rule];
    caller->may_set_host =
        rule < rules->count && rules->items[rule].host_header == POLICY_ALLOW;
    caller->max_items = config->batch.max_items;
    caller->in_flight.max = UINT64_MAX;
    if (limit)
        set_limits(caller, limit, config->batch.max_items);
}

static size_t find_or_add(struct callers *callers, const char *name)
{
    for (size_t i = 1; i < callers->count; i++) {
        if (strcmp(callers->items[i].name, name) == 0)
            return i;
    }
    init_caller(callers, &callers->items[callers->count], name);
    return callers->count++;
}

static bool make_guards(struct callers *callers, struct error *err)
{
    const struct config_rules *rules = &callers->config->egress.rules;
    callers->guards = memory_new((rules->count + 1) * sizeof(struct guard *));
    for (size_t i = 0; i <= rules->count; i++) {
        const struct config_rule *rule = i < rules->count ? &rules->items[i] : NULL;
        callers->guards[i] = guard_new(callers->config, rule, err);
        if (!callers->guards[i])
            return false;
        callers->guard_count++;
    }
    return true;
}

struct callers *callers_new(const struct config *config, struct error *err)
{
    const struct config_keys *keys = &config->auth.keys;
    struct callers *callers = memory_new(sizeof *callers);
    callers->config = config;
    if (!make_guards(callers, err)) {
        callers_free(callers);
        return NULL;
    }
    callers->items = memory_new((keys->count + 1) * sizeof *callers->items);
    init_caller(callers, &callers->items[0], "");
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
    for (size_t i = 0; i < callers->guard_count; i++)
        guard_free(callers->guards[i]);
    free(callers->guards);
    free(callers->items);
    free(callers->of_key);
    free(callers);
}

enum { SHARE_OF_FREE = 8 }; /* and as many besides, for processes with few places */

/* `held`: in all, with `more` that are not taken from the process yet. */
static bool is_within_share(const struct caller *caller, uint64_t held, uint64_t more)
{
    if (!caller->whole)
        return true;
    uint64_t taken = budget_held(caller->whole) + more;
    uint64_t free = caller->whole->max > taken ? caller->whole->max - taken : 0;
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

void callers_share(struct callers *callers, const struct budget *in_flight)
{
    for (size_t i = 1; callers->count > 2 && i < callers->count; i++)
        callers->items[i].whole = in_flight;
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
    for (size_t i = 0; i < callers->guard_count; i++) {
        if (!guard_add_own(callers->guards[i], listener, err))
            return false;
    }
    return true;
}
