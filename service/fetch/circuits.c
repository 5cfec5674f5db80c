/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of four circuits, each set under a lock: a breaker is too much for one atomic
 * word. Asked by flight_circuit.c for every call, when breakers are on. */
#include "fetch/circuits.h"

#include "base/memory.h"
#include "base/random.h"
#include "fetch/target_hash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { WAYS = 4, SETS = CIRCUITS_MAX / WAYS };

struct circuit {
    uint64_t key; /* 0: free */
    uint64_t used_ms;
    struct breaker breaker;
};

struct circuit_set {
    pthread_mutex_t lock;
    uint64_t eras; /* handed out so far, see make */
    struct circuit ways[WAYS];
};

struct circuits {
    struct breaker_rules rules;
    bool is_shared; /* by all callers */
    uint64_t seed;
    atomic_size_t holds;
    atomic_uint_fast64_t openings;
    struct circuit_set sets[SETS];
};

struct circuits *circuits_new(const struct config *config, uint64_t seed)
{
    if (config->breaker.consecutive_failures == 0 && config->breaker.failure_ratio == 0)
        return NULL;
    struct circuits *circuits = memory_new(sizeof *circuits);
    circuits->rules = (struct breaker_rules){
        .consecutive_failures = config->breaker.consecutive_failures,
        .failure_ratio = config->breaker.failure_ratio,
        .window_ms = config->breaker.window_ms,
        .min_requests = config->breaker.min_requests,
        .open_ms = config->breaker.open_ms,
        .open_max_ms = config->breaker.open_max_ms,
        .probes = config->breaker.probes,
    };
    circuits->is_shared = config->breaker.scope == BREAKER_SCOPE_PROCESS;
    circuits->seed = seed;
    atomic_init(&circuits->holds, 1);
    for (size_t i = 0; i < SETS; i++)
        pthread_mutex_init(&circuits->sets[i].lock, NULL);
    return circuits;
}

bool circuits_are_alike(const struct config *one, const struct config *other)
{
    return one->breaker.consecutive_failures == other->breaker.consecutive_failures &&
           one->breaker.failure_ratio == other->breaker.failure_ratio &&
           one->breaker.window_ms == other->breaker.window_ms &&
           one->breaker.min_requests == other->breaker.min_requests &&
           one->breaker.open_ms == other->breaker.open_ms &&
           one->breaker.open_max_ms == other->breaker.open_max_ms &&
           one->breaker.probes == other->breaker.probes &&
           one->breaker.scope == other->breaker.scope;
}

struct circuits *circuits_hold(struct circuits *circuits)
{
    if (circuits)
        atomic_fetch_add_explicit(&circuits->holds, 1, memory_order_relaxed);
    return circuits;
}

void circuits_free(struct circuits *circuits)
{
    if (!circuits ||
        atomic_fetch_sub_explicit(&circuits->holds, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < SETS; i++)
        pthread_mutex_destroy(&circuits->sets[i].lock);
    free(circuits);
}

uint64_t circuits_origin(const struct circuits *circuits, const struct target *target)
{
    return target_hash(target, circuits->seed) | 1;
}

uint64_t circuits_key(const struct circuits *circuits, uint64_t origin,
                      const struct caller *caller)
{
    uint64_t whose = circuits->is_shared ? 0 : (uint64_t)(uintptr_t)caller;
    uint64_t key = (origin ^ whose) * 0x9e3779b97f4a7c15; /* 2^64 by the golden ratio */
    /* The upper half is the origin's, for circuit_list_state. */
    return (origin & UINT64_MAX << 32) | (uint32_t)(key ^ (key >> 29)) | 1;
}

/* ----------------------------------------------------------------------------- table */

static struct circuit_set *lock(struct circuits *circuits, uint64_t key)
{
    struct circuit_set *set = &circuits->sets[(key >> 1) % SETS];
    pthread_mutex_lock(&set->lock);
    return set;
}

static void unlock(struct circuit_set *set)
{
    pthread_mutex_unlock(&set->lock);
}

static struct circuit *find(struct circuit_set *set, uint64_t key)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (set->ways[i].key == key)
            return &set->ways[i];
    }
    return NULL;
}

/* How much a circuit would be missed: first by kind, then by time. */
struct worth {
    int kind;
    uint64_t ms;
};

static struct worth worth_of(const struct circuit *circuit,
                             const struct breaker_rules *rules, uint64_t now_ms)
{
    enum { FREE, CLEAN, FAILING, OPEN };
    if (circuit->key == 0)
        return (struct worth){FREE, 0};
    if (breaker_is_clean(&circuit->breaker, rules, now_ms))
        return (struct worth){CLEAN, circuit->used_ms};
    if (circuit->breaker.state == BREAKER_CLOSED)
        return (struct worth){FAILING, circuit->used_ms};
    return (struct worth){OPEN, circuit->breaker.until_ms};
}

/* Takes the place of the one missed least. An era is never used twice for one key, so
 * what the one before let through does not count for this one. */
static struct circuit *make(struct circuits *circuits, struct circuit_set *set,
                            uint64_t key, uint64_t now_ms)
{
    struct circuit *least = &set->ways[0];
    struct worth least_worth = worth_of(least, &circuits->rules, now_ms);
    for (size_t i = 1; i < WAYS; i++) {
        struct worth worth = worth_of(&set->ways[i], &circuits->rules, now_ms);
        if (worth.kind > least_worth.kind ||
            (worth.kind == least_worth.kind && worth.ms >= least_worth.ms))
            continue;
        least = &set->ways[i];
        least_worth = worth;
    }
    set->eras += UINT64_C(1) << 32;
    *least =
        (struct circuit){.key = key, .breaker = {.era = set->eras, .since_ms = now_ms}};
    return least;
}

/* ----------------------------------------------------------------------------- calls */

enum breaker_answer circuits_ask(struct circuits *circuits, uint64_t key, uint64_t now_ms,
                                 uint64_t *ret_wait_ms)
{
    enum breaker_answer answer = BREAKER_PASS;
    struct circuit_set *set = lock(circuits, key);
    const struct circuit *circuit = find(set, key);
    if (circuit)
        answer = breaker_ask(&circuit->breaker, &circuits->rules, now_ms, ret_wait_ms);
    unlock(set);
    return answer;
}

enum breaker_answer circuits_enter(struct circuits *circuits, uint64_t key,
                                   uint64_t now_ms, uint64_t *ret_wait_ms,
                                   struct circuit_pass *ret_pass)
{
    struct circuit_set *set = lock(circuits, key);
    struct circuit *circuit = find(set, key);
    if (!circuit)
        circuit = make(circuits, set, key, now_ms);
    circuit->used_ms = now_ms;
    uint64_t era = 0;
    enum breaker_answer answer =
        breaker_enter(&circuit->breaker, &circuits->rules, now_ms, ret_wait_ms, &era);
    unlock(set);
    if (answer == BREAKER_PASS)
        *ret_pass = (struct circuit_pass){.key = key, .era = era};
    return answer;
}

bool circuits_leave(struct circuits *circuits, struct circuit_pass *pass,
                    enum breaker_verdict verdict, uint64_t now_ms)
{
    bool opens = false;
    if (pass->key == 0)
        return false;
    /* getrandom is a system call: only for what may open. */
    uint64_t chance = verdict == BREAKER_FAILURE ? random_u64() : 0;
    struct circuit_set *set = lock(circuits, pass->key);
    struct circuit *circuit = find(set, pass->key);
    if (circuit)
        opens = breaker_leave(&circuit->breaker, &circuits->rules, pass->era, verdict,
                              now_ms, chance);
    unlock(set);
    *pass = (struct circuit_pass){0};
    if (opens)
        atomic_fetch_add_explicit(&circuits->openings, 1, memory_order_relaxed);
    return opens;
}

uint64_t circuits_openings(const struct circuits *circuits)
{
    return atomic_load_explicit(&circuits->openings, memory_order_relaxed);
}

/* The state of the i-th place. Forgets on the way what nobody has asked for in a long
 * time. */
static enum circuit_state look(struct circuits *circuits, size_t i, uint64_t now_ms,
                               uint64_t *ret_key)
{
    struct circuit_set *set = &circuits->sets[i / WAYS];
    struct circuit *circuit = &set->ways[i % WAYS];
    enum circuit_state state = CIRCUIT_CLOSED;
    uint64_t wait_ms;
    pthread_mutex_lock(&set->lock);
    if (breaker_is_stale(&circuit->breaker, &circuits->rules, now_ms))
        *circuit = (struct circuit){0};
    if (breaker_ask(&circuit->breaker, &circuits->rules, now_ms, &wait_ms) ==
        BREAKER_WAIT)
        state = CIRCUIT_OPEN;
    else if (circuit->breaker.state != BREAKER_CLOSED)
        state = CIRCUIT_HALF_OPEN;
    *ret_key = circuit->key;
    unlock(set);
    return state;
}

void circuits_list(struct circuits *circuits, uint64_t now_ms,
                   struct circuit_list *ret_list)
{
    ret_list->is_off = circuits == NULL;
    ret_list->count = 0;
    for (size_t i = 0; circuits && i < CIRCUITS_MAX; i++) {
        uint64_t key;
        enum circuit_state state = look(circuits, i, now_ms, &key);
        if (state == CIRCUIT_CLOSED)
            continue;
        ret_list->items[ret_list->count].key = key;
        ret_list->items[ret_list->count++].state = state;
    }
}

enum circuit_state circuit_list_state(const struct circuit_list *list, uint64_t origin)
{
    enum circuit_state worst = list->is_off ? CIRCUIT_OFF : CIRCUIT_CLOSED;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].key >> 32 == origin >> 32 && list->items[i].state > worst)
            worst = list->items[i].state;
    }
    return worst;
}

struct circuit_counts circuits_count(struct circuits *circuits, uint64_t now_ms)
{
    struct circuit_counts counts = {0};
    for (size_t i = 0; i < CIRCUITS_MAX; i++) {
        uint64_t key;
        enum circuit_state state = look(circuits, i, now_ms, &key);
        counts.open += state == CIRCUIT_OPEN;
        counts.half_open += state == CIRCUIT_HALF_OPEN;
    }
    return counts;
}
