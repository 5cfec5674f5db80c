/* SPDX-License-Identifier: Apache-2.0 */
/* The table of origins. One for which nothing waits or runs is in `idle`: kept for reuse,
 * oldest first out. */
#include "fetch/origin.h"

#include "base/memory.h"
#include "base/random.h"
#include "fetch/pin.h"
#include "fetch/target_hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Idle origins kept: enough for the hot set of a gateway, 1 MB at most. */
enum { IDLE_MAX = 1024, FIRST_BUCKETS = 256, ALIASES = 1024 };

struct origins {
    const struct guard *guard;
    uint64_t seed;
    struct origin **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    size_t next_number;
    struct schedule schedule;
    struct list idle;
    size_t idle_count;
    struct origin *aliases[ALIASES]; /* by the hash of origin.alias; the last one wins */
};

struct origins *origins_new(const struct guard *guard, unsigned slots)
{
    struct origins *origins = memory_new(sizeof *origins);
    *origins = (struct origins){
        .guard = guard,
        .seed = random_u64(),
        .bucket_count = FIRST_BUCKETS,
        .buckets = memory_new(FIRST_BUCKETS * sizeof(struct origin *)),
    };
    schedule_init(&origins->schedule, slots);
    list_init(&origins->idle);
    return origins;
}

void origins_free(struct origins *origins)
{
    if (!origins)
        return;
    for (size_t i = 0; i < origins->bucket_count; i++) {
        while (origins->buckets[i]) {
            struct origin *origin = origins->buckets[i];
            assert(list_is_linked(&origin->node));
            origins->buckets[i] = origin->next;
            free(origin);
        }
    }
    schedule_done(&origins->schedule);
    free(origins->buckets);
    free(origins);
}

static bool is_same(const struct origin *origin, uint64_t hash,
                    const struct target *target)
{
    return origin->hash == hash && origin->target.port == target->port &&
           strcmp(origin->target.scheme, target->scheme) == 0 &&
           strcmp(origin->target.host, target->host) == 0;
}

static struct origin **bucket_of(const struct origins *origins, uint64_t hash)
{
    return &origins->buckets[hash & (origins->bucket_count - 1)];
}

static void grow(struct origins *origins)
{
    size_t old_count = origins->bucket_count;
    struct origin **old = origins->buckets;
    origins->bucket_count = 2 * old_count;
    origins->buckets = memory_new(origins->bucket_count * sizeof(struct origin *));
    for (size_t i = 0; i < old_count; i++) {
        while (old[i]) {
            struct origin *origin = old[i];
            old[i] = origin->next;
            struct origin **bucket = bucket_of(origins, origin->hash);
            origin->next = *bucket;
            *bucket = origin;
        }
    }
    free(old);
}

/* -------------------------------------------------------------------------- aliases */

/* The length of "scheme://authority"; 0: no such thing, or too long to remember. */
static size_t authority_end(struct slice url)
{
    size_t most = url.len < ORIGIN_ALIAS_SIZE ? url.len : ORIGIN_ALIAS_SIZE;
    const char *colon = most > 0 ? memchr(url.data, ':', most) : NULL;
    if (!colon || (size_t)(colon - url.data) + 3 > most || memcmp(colon, "://", 3) != 0)
        return 0;
    for (size_t i = (size_t)(colon - url.data) + 3; i < most; i++) {
        char c = url.data[i];
        if (c == '/' || c == '?' || c == '#')
            return i;
    }
    return url.len < ORIGIN_ALIAS_SIZE ? url.len : 0;
}

static struct origin **alias_slot(struct origins *origins, const char *text, size_t len)
{
    uint64_t hash = origins->seed;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
    return &origins->aliases[(hash ^ (hash >> 29)) % ALIASES];
}

static bool is_plain(struct slice text)
{
    unsigned found = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        found |= (unsigned)(c < 0x21) | (unsigned)(c > 0x7e) | (unsigned)(c == '\\');
    }
    return found == 0;
}

struct origin *origins_recall(struct origins *origins, struct slice url)
{
    size_t len = authority_end(url);
    if (len == 0)
        return NULL;
    struct origin *origin = *alias_slot(origins, url.data, len);
    if (!origin || origin->alias_len != len ||
        memcmp(origin->alias, url.data, len) != 0 || !is_plain(url))
        return NULL;
    return origin;
}

static void drop_alias(struct origins *origins, struct origin *origin)
{
    struct origin **slot = alias_slot(origins, origin->alias, origin->alias_len);
    if (origin->alias_len > 0 && *slot == origin)
        *slot = NULL;
    origin->alias_len = 0;
}

void origins_remember(struct origins *origins, struct origin *origin, struct slice url)
{
    size_t len = authority_end(url);
    if (len == 0)
        return;
    drop_alias(origins, origin);
    memcpy(origin->alias, url.data, len);
    origin->alias_len = len;
    *alias_slot(origins, url.data, len) = origin;
}

/* ----------------------------------------------------------------------------- table */

static void forget(struct origins *origins, struct origin *origin)
{
    drop_alias(origins, origin);
    struct origin **link = bucket_of(origins, origin->hash);
    while (*link != origin)
        link = &(*link)->next;
    *link = origin->next;
    origins->count--;
    free(origin);
}

static struct origin *make(struct origins *origins, uint64_t hash,
                           const struct target *target)
{
    if (origins->count >= origins->bucket_count)
        grow(origins);
    struct origin *origin = memory_new(sizeof *origin);
    origin->target = *target;
    origin->hash = hash;
    origin->number = origins->next_number++;
    origin->verdict =
        guard_judge_target(origins->guard, &origin->target, &origin->reason);
    if (target->is_literal)
        pin_write((const struct sockaddr *)&target->address, target->port, origin->pin,
                  sizeof origin->pin);
    gate_init(&origin->gate);
    struct origin **bucket = bucket_of(origins, hash);
    origin->next = *bucket;
    *bucket = origin;
    origins->count++;
    return origin;
}

/* Something has left the origin. */
static void settle(struct origins *origins, struct origin *origin)
{
    if (origin->gate.running > 0 || origin->gate.waiting > 0)
        return;
    list_push_back(&origins->idle, &origin->node);
    origins->idle_count++;
}

/* Something comes to the origin. */
static void wake(struct origins *origins, struct origin *origin)
{
    if (!list_is_linked(&origin->node))
        return;
    list_remove(&origin->node);
    origins->idle_count--;
}

struct origin *origins_get(struct origins *origins, const struct target *target)
{
    uint64_t hash = target_hash(target, origins->seed);
    for (struct origin *origin = *bucket_of(origins, hash); origin;
         origin = origin->next) {
        if (is_same(origin, hash, target))
            return origin;
    }
    /* Two for one: what a batch of many origins has left goes bit by bit. */
    for (int i = 0; i < 2 && origins->idle_count >= IDLE_MAX; i++) {
        struct list *oldest = list_pop_front(&origins->idle);
        origins->idle_count--;
        forget(origins, container_of(oldest, struct origin, node));
    }
    struct origin *origin = make(origins, hash, target);
    list_push_back(&origins->idle, &origin->node);
    origins->idle_count++;
    return origin;
}

enum verdict origins_judge(const struct origins *origins, const struct origin *origin,
                           const struct guard *guard, const char **ret_reason)
{
    if (guard != origins->guard)
        return guard_judge_target(guard, &origin->target, ret_reason);
    *ret_reason = origin->reason;
    return origin->verdict;
}

void origins_adopt(struct origins *origins, const struct guard *guard, unsigned slots)
{
    origins->guard = guard;
    schedule_set_slots(&origins->schedule, slots);
    for (size_t i = 0; i < origins->bucket_count; i++) {
        struct origin *origin = origins->buckets[i];
        for (; origin; origin = origin->next) {
            origin->verdict = guard_judge_target(guard, &origin->target, &origin->reason);
            schedule_narrow(&origins->schedule, &origin->gate);
        }
    }
}

void origins_wait(struct origins *origins, struct origin *origin, struct call *call,
                  uint64_t now_us)
{
    wake(origins, origin);
    call->origin = origin;
    schedule_wait(&origins->schedule, &origin->gate, call, now_us);
}

void origins_wait_first(struct origins *origins, struct origin *origin, struct call *call,
                        uint64_t now_us)
{
    wake(origins, origin);
    call->origin = origin;
    schedule_wait_first(&origins->schedule, &origin->gate, call, now_us);
}

void origins_leave(struct origins *origins, struct call *call, uint64_t now_us)
{
    struct origin *origin = call->origin;
    call->origin = NULL;
    schedule_leave(&origins->schedule, call, now_us);
    settle(origins, origin);
}

struct call *origins_next(struct origins *origins, uint64_t now_us)
{
    return schedule_next(&origins->schedule, now_us);
}

void origins_release(struct origins *origins, struct origin *origin,
                     struct caller *caller, uint64_t now_us)
{
    schedule_release(&origins->schedule, &origin->gate, caller, now_us);
    settle(origins, origin);
}

struct call *origins_drain(struct origins *origins)
{
    struct call *call = schedule_drain(&origins->schedule);
    if (call)
        settle(origins, call->origin);
    return call;
}

struct schedule *origins_schedule(struct origins *origins)
{
    return &origins->schedule;
}

size_t origins_count(const struct origins *origins)
{
    return origins->count;
}

/* The next bucket in the order of the reversed bits. A table that doubles splits each
 * bucket into two that lie beside one another in this order, so neither what was visited
 * nor what is to come moves past the cursor. 0 behind the last. */
static size_t next_bucket(size_t bucket, size_t count)
{
    size_t bit = count >> 1;
    while (bit && (bucket & bit)) {
        bucket &= ~bit;
        bit >>= 1;
    }
    return bit ? bucket | bit : 0;
}

bool origins_walk(struct origins *origins, size_t *cursor, size_t buckets,
                  origins_visit_fn *visit, void *context)
{
    for (; buckets > 0; buckets--) {
        struct origin *origin = origins->buckets[*cursor];
        for (; origin; origin = origin->next)
            visit(context, origin);
        *cursor = next_bucket(*cursor, origins->bucket_count);
        if (*cursor == 0)
            return false;
    }
    return true;
}
