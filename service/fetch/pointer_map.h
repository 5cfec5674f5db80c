/* SPDX-License-Identifier: Apache-2.0 */
/* An intrusive hash map from two pointers to the object that holds the link. It owns
 * nothing but its buckets, which grow with the number of links and never shrink. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Embedded in its owner; valid in the map until it is removed. */
struct pointer_link {
    struct pointer_link *next; /* in its bucket */
    const void *a, *b;
};

struct pointer_map {
    struct pointer_link **buckets; /* NULL: none was ever added */
    size_t bucket_count;           /* a power of two */
    size_t count;
};

/* A zeroed map is empty. pointer_map_done expects no link to be looked for any more. */
void pointer_map_done(struct pointer_map *map);

/* pointer_map_find: NULL when there is none. pointer_map_add expects a pair of pointers
 * that is not in the map, pointer_map_remove a link that is. */
struct pointer_link *pointer_map_find(const struct pointer_map *map, const void *a,
                                      const void *b);
void pointer_map_add(struct pointer_map *map, struct pointer_link *link, const void *a,
                     const void *b);
void pointer_map_remove(struct pointer_map *map, struct pointer_link *link);
