/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of addresses whose entries come from a pool of fixed size. It decides
 * nothing but the limit; listener_accept.c answers those that are over it.
 *
 * Entries whose figure fell to 0 stay in their chain until their address comes again or
 * the pool is empty, when all of them are given back at once. The pool has twice the
 * entries that can be in use, so each of those rounds frees at least half of it, and the
 * cost of an entry is constant on average. */
#include "address_counts.h"

#include "base/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct entry {
    struct address_key key;
    uint32_t next; /* in its chain or in the list of free ones; 0: the last */
    atomic_uint open;
};

/* Which entry the connection of a descriptor is counted in; 0: none. */
struct place {
    atomic_uint entry;
};

struct address_counts {
    unsigned limit;
    uint64_t secret;
    size_t entry_count; /* entries[0] is never used: 0 means none */
    struct entry *entries;
    uint32_t free;
    size_t bucket_mask;
    uint32_t *buckets;
    size_t fd_max;
    struct place *by_fd;
};

struct address_counts *address_counts_new(unsigned limit, size_t open_max, size_t fd_max,
                                          uint64_t secret)
{
    assert(limit > 0 && open_max > 0 && open_max < UINT32_MAX / 4);
    struct address_counts *counts = memory_new(sizeof *counts);
    counts->limit = limit;
    counts->secret = secret;
    counts->entry_count = 2 * open_max + 1;
    counts->entries = memory_new(counts->entry_count * sizeof *counts->entries);
    size_t buckets = 1;
    while (buckets < counts->entry_count)
        buckets *= 2;
    counts->bucket_mask = buckets - 1;
    counts->buckets = memory_new(buckets * sizeof *counts->buckets);
    counts->fd_max = fd_max;
    counts->by_fd = memory_new(fd_max * sizeof *counts->by_fd);
    for (size_t i = counts->entry_count - 1; i > 0; i--) {
        counts->entries[i].next = counts->free;
        counts->free = (uint32_t)i;
    }
    return counts;
}

void address_counts_free(struct address_counts *counts)
{
    if (!counts)
        return;
    free(counts->entries);
    free(counts->buckets);
    free(counts->by_fd);
    free(counts);
}

static void give_back_empty(struct address_counts *counts)
{
    for (size_t i = 0; i <= counts->bucket_mask; i++) {
        uint32_t *link = &counts->buckets[i];
        while (*link) {
            struct entry *entry = &counts->entries[*link];
            if (atomic_load(&entry->open)) {
                link = &entry->next;
                continue;
            }
            uint32_t index = *link;
            *link = entry->next;
            entry->next = counts->free;
            counts->free = index;
        }
    }
}

/* Returns 0 when every entry is in use. */
static uint32_t find_or_add(struct address_counts *counts, const struct address_key *key)
{
    uint32_t *bucket =
        &counts->buckets[address_key_hash(key, counts->secret) & counts->bucket_mask];
    for (uint32_t i = *bucket; i; i = counts->entries[i].next) {
        if (address_key_is_equal(&counts->entries[i].key, key))
            return i;
    }
    if (!counts->free)
        give_back_empty(counts);
    uint32_t index = counts->free;
    if (!index)
        return 0;
    struct entry *entry = &counts->entries[index];
    counts->free = entry->next;
    entry->key = *key;
    entry->next = *bucket;
    *bucket = index;
    return index;
}

bool address_counts_take(struct address_counts *counts, const struct address_key *key,
                         int fd)
{
    address_counts_release(counts, fd);
    uint32_t index = find_or_add(counts, key);
    /* More connections than were announced, or a descriptor above what the process may
     * have: neither happens, and neither is the client's fault. */
    if (!index || fd < 0 || (size_t)fd >= counts->fd_max)
        return true;
    struct entry *entry = &counts->entries[index];
    /* Only this thread raises the figure. */
    if (atomic_load(&entry->open) >= counts->limit)
        return false;
    atomic_fetch_add(&entry->open, 1);
    atomic_store(&counts->by_fd[fd].entry, index);
    return true;
}

void address_counts_release(struct address_counts *counts, int fd)
{
    if (fd < 0 || (size_t)fd >= counts->fd_max)
        return;
    unsigned index = atomic_exchange(&counts->by_fd[fd].entry, 0);
    if (index)
        atomic_fetch_sub(&counts->entries[index].open, 1);
}
