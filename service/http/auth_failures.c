/* SPDX-License-Identifier: Apache-2.0 */
/* The table behind auth_failures.h: sets of a few places each, chosen by a keyed hash, so
 * that nobody can aim at another's set. It knows addresses, not keys; exchange_check.c
 * asks it and tells it. */
#include "http/auth_failures.h"

static size_t set_of(const struct auth_failures *failures, const struct address_key *key)
{
    return address_key_hash(key, failures->secret) % AUTH_FAILURES_SETS;
}

/* The place of the address in its set; AUTH_FAILURES_WAYS: it has none. */
static size_t find(const struct auth_failure *set, const struct address_key *key)
{
    size_t way = 0;
    while (way < AUTH_FAILURES_WAYS &&
           !(set[way].is_used && address_key_is_equal(&set[way].key, key)))
        way++;
    return way;
}

/* A free place, or the one whose address has been quiet for longest. */
static size_t find_victim(const struct auth_failure *set)
{
    size_t victim = 0;
    for (size_t way = 1; way < AUTH_FAILURES_WAYS && set[victim].is_used; way++) {
        if (!set[way].is_used || set[way].heard_ms < set[victim].heard_ms)
            victim = way;
    }
    return victim;
}

static struct auth_failure *find_or_add(struct auth_failures *failures,
                                        const struct address_key *key, uint64_t now_ms)
{
    struct auth_failure *set = failures->sets[set_of(failures, key)];
    size_t way = find(set, key);
    if (way == AUTH_FAILURES_WAYS) {
        way = find_victim(set);
        set[way] = (struct auth_failure){.key = *key, .is_used = true};
    }
    set[way].heard_ms = now_ms;
    return &set[way];
}

unsigned auth_failures_wait_s(const struct auth_failures *failures,
                              const struct address_key *key, unsigned limit,
                              uint64_t now_ms)
{
    const struct auth_failure *set = failures->sets[set_of(failures, key)];
    size_t way = find(set, key);
    if (way == AUTH_FAILURES_WAYS)
        return 0;
    const struct auth_failure *found = &set[way];
    if (found->count < limit || now_ms - found->window_ms >= AUTH_FAILURES_WINDOW_MS)
        return 0;
    if (found->is_trusted && now_ms - found->good_ms < AUTH_FAILURES_TRUST_MS)
        return 0;
    uint64_t left_ms = AUTH_FAILURES_WINDOW_MS - (now_ms - found->window_ms);
    return (unsigned)((left_ms + 999) / 1000);
}

void auth_failures_add(struct auth_failures *failures, const struct address_key *key,
                       uint64_t now_ms)
{
    struct auth_failure *found = find_or_add(failures, key, now_ms);
    if (found->count == 0 || now_ms - found->window_ms >= AUTH_FAILURES_WINDOW_MS) {
        found->window_ms = now_ms;
        found->count = 0;
    }
    if (found->count < UINT32_MAX)
        found->count++;
}

void auth_failures_forgive(struct auth_failures *failures, const struct address_key *key,
                           uint64_t now_ms)
{
    struct auth_failure *found = find_or_add(failures, key, now_ms);
    found->is_trusted = true;
    found->good_ms = now_ms;
}
