/* SPDX-License-Identifier: Apache-2.0 */
/* Chains in buckets, doubled when there are as many links as buckets: moving 10,000 links
 * takes less than a tenth of a millisecond, and happens a few times in a process's life.
 * Pointers are no client's to choose, so the hash needs no secret. */
#include "fetch/pointer_map.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_BUCKETS = 64 };

void pointer_map_done(struct pointer_map *map)
{
    free(map->buckets);
    *map = (struct pointer_map){0};
}

/* Fibonacci hashing (Knuth, TAOCP 6.4): the low bits of pointers are all alike. */
static struct pointer_link **bucket_of(const struct pointer_map *map, const void *a,
                                       const void *b)
{
    uint64_t mixed = (uint64_t)(uintptr_t)a * 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 32) ^ (uint64_t)(uintptr_t)b) * 0x9e3779b97f4a7c15;
    return &map->buckets[(mixed >> 32) & (map->bucket_count - 1)];
}

struct pointer_link *pointer_map_find(const struct pointer_map *map, const void *a,
                                      const void *b)
{
    if (map->count == 0)
        return NULL;
    struct pointer_link *link = *bucket_of(map, a, b);
    while (link && (link->a != a || link->b != b))
        link = link->next;
    return link;
}

static void insert(struct pointer_map *map, struct pointer_link *link)
{
    struct pointer_link **bucket = bucket_of(map, link->a, link->b);
    link->next = *bucket;
    *bucket = link;
}

static void grow(struct pointer_map *map)
{
    size_t old_count = map->bucket_count;
    struct pointer_link **old = map->buckets;
    map->bucket_count = old_count ? 2 * old_count : FIRST_BUCKETS;
    map->buckets = memory_new(map->bucket_count * sizeof *map->buckets);
    for (size_t i = 0; i < old_count; i++) {
        while (old[i]) {
            struct pointer_link *link = old[i];
            old[i] = link->next;
            insert(map, link);
        }
    }
    free(old);
}

void pointer_map_add(struct pointer_map *map, struct pointer_link *link, const void *a,
                     const void *b)
{
    if (map->count >= map->bucket_count)
        grow(map);
    link->a = a;
    link->b = b;
    insert(map, link);
    map->count++;
}

void pointer_map_remove(struct pointer_map *map, struct pointer_link *link)
{
    struct pointer_link **at = bucket_of(map, link->a, link->b);
    while (*at != link) {
        assert(*at);
        at = &(*at)->next;
    }
    *at = link->next;
    link->next = NULL;
    map->count--;
}
