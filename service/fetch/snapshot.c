/* SPDX-License-Identifier: Apache-2.0 */
/* The terms of every caller: the first is everybody, then one for each name among the
 * keys. Made by fetch_shared_new and for each reload; asked by the front for every
 * request. */
#include "fetch/snapshot.h"

#include "base/memory.h"
#include "base/random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
static void set_limits(struct terms *terms, const struct config_limit *limit,
                       uint64_t max_items)
{
    uint64_t burst = limit->burst;
    terms->max_items =
        limit->max_items ? smaller(limit->max_items, max_items) : max_items;
    if (burst)
        terms->max_items = smaller(terms->max_items, burst);
    else
        burst = larger(limit->items_per_second, terms->max_items);
    terms->items_per_second = limit->items_per_second;
    terms->burst = burst;
    if (limit->max_in_flight)
        terms->max_in_flight = limit->max_in_flight;
}

/* "" is everybody, for whom entries about keys do not hold. */
static void init_terms(struct snapshot *snapshot, struct terms *terms,
                       struct caller *caller)
{
    const struct config *config = snapshot->config;
    const struct config_rules *rules = &config->egress.rules;
    bool is_key = *caller->name != '\0';
    size_t rule = is_key ? find_rule(rules, caller->name) : rules->count;
    const struct config_limit *limit =
        is_key ? find_limit(&config->auth.limits, caller->name) : NULL;
    *terms = (struct terms){
        .caller = caller,
        .guard = snapshot->guards[rule],
        .may_set_host =
            rule < rules->count && rules->items[rule].host_header == POLICY_ALLOW,
        .max_items = config->batch.max_items,
        .burst = 1,
        .max_in_flight = UINT64_MAX,
        .snapshot = snapshot,
    };
    if (limit)
        set_limits(terms, limit, config->batch.max_items);
}

/* *ret_index: of the terms of the caller `name`. */
static bool find_or_add(struct snapshot *snapshot, struct callers *callers,
                        const char *name, size_t *ret_index, struct error *err)
{
    struct caller *caller = callers_get(callers, name);
    if (!caller)
        return error_set(err, ERROR_LIMIT,
                         "auth.keys: more names than one process can have seen (%d): "
                         "restart",
                         CALLERS_MAX);
    size_t i = 0;
    while (i < snapshot->terms_count && snapshot->terms[i].caller != caller)
        i++;
    if (i == snapshot->terms_count)
        init_terms(snapshot, &snapshot->terms[snapshot->terms_count++], caller);
    *ret_index = i;
    return true;
}

static bool make_guards(struct snapshot *snapshot, struct error *err)
{
    const struct config_rules *rules = &snapshot->config->egress.rules;
    snapshot->guards = memory_new((rules->count + 1) * sizeof(struct guard *));
    for (size_t i = 0; i <= rules->count; i++) {
        const struct config_rule *rule = i < rules->count ? &rules->items[i] : NULL;
        snapshot->guards[i] = guard_new(snapshot->config, rule, err);
        if (!snapshot->guards[i])
            return false;
        snapshot->guard_count++;
    }
    return true;
}

static bool make_terms(struct snapshot *snapshot, struct callers *callers,
                       struct error *err)
{
    const struct config_keys *keys = &snapshot->config->auth.keys;
    size_t everybody;
    snapshot->terms = memory_new((keys->count + 1) * sizeof *snapshot->terms);
    snapshot->of_key = memory_new((keys->count + 1) * sizeof *snapshot->of_key);
    if (!find_or_add(snapshot, callers, "", &everybody, err))
        return false;
    for (size_t i = 0; i < keys->count; i++) {
        if (!find_or_add(snapshot, callers, keys->items[i].name, &snapshot->of_key[i],
                         err))
            return false;
    }
    return true;
}

struct snapshot *snapshot_new(struct callers *callers, const struct config *config,
                              struct error *err)
{
    struct snapshot *snapshot = memory_new(sizeof *snapshot);
    snapshot->config = config;
    atomic_init(&snapshot->holds, 1);
    if (make_guards(snapshot, err) && make_terms(snapshot, callers, err))
        return snapshot;
    snapshot_release(snapshot);
    return NULL;
}

bool snapshot_share(struct snapshot *snapshot, const struct snapshot *previous,
                    struct error *err)
{
    const struct config *config = snapshot->config;
    snapshot->circuit_seed = previous ? previous->circuit_seed : random_u64();
    if (previous && circuits_are_alike(config, previous->config))
        snapshot->circuits = circuits_hold(previous->circuits);
    else
        snapshot->circuits = circuits_new(config, snapshot->circuit_seed);
    snapshot->tls_store =
        tls_store_new(config->fetch.ca_file, previous ? previous->tls_store : NULL, err);
    return snapshot->tls_store != NULL;
}

void snapshot_own(struct snapshot *snapshot, struct config *config)
{
    assert(snapshot->config == config);
    snapshot->owned = config;
}

bool snapshot_add_own(struct snapshot *snapshot, const struct sockaddr *listener,
                      const struct snapshot *known, struct error *err)
{
    const struct guard *guard = known ? known->guards[0] : NULL; /* all know the same */
    for (size_t i = 0; i < snapshot->guard_count; i++) {
        if (!guard_add_own(snapshot->guards[i], listener, guard, err))
            return false;
    }
    return true;
}

void snapshot_apply(const struct snapshot *snapshot, const struct budget *in_flight)
{
    const struct budget *whole = snapshot->terms_count > 2 ? in_flight : NULL;
    for (size_t i = 0; i < snapshot->terms_count; i++) {
        const struct terms *terms = &snapshot->terms[i];
        rate_change(&terms->caller->items, terms->items_per_second, terms->burst);
        budget_set_max(&terms->caller->in_flight, terms->max_in_flight);
        atomic_store_explicit(&terms->caller->whole, i > 0 ? whole : NULL,
                              memory_order_relaxed);
    }
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->holds, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (!snapshot ||
        atomic_fetch_sub_explicit(&snapshot->holds, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < snapshot->guard_count; i++)
        guard_free(snapshot->guards[i]);
    free(snapshot->guards);
    free(snapshot->terms);
    free(snapshot->of_key);
    tls_store_free(snapshot->tls_store);
    circuits_free(snapshot->circuits);
    config_free(snapshot->owned);
    free(snapshot);
}

const struct terms *snapshot_of_key(const struct snapshot *snapshot, size_t index)
{
    assert(index < snapshot->config->auth.keys.count);
    return &snapshot->terms[snapshot->of_key[index]];
}
