/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver's cache. An entry holds its addresses in 17 bytes each, where a socket
 * address takes 128: ten thousand names are some 2 MB and not 20.
 *
 * Knows no c-ares and no clock. Called by resolver.c. */
#include "fetch/resolver_cache.h"

#include "base/memory.h"
#include "fetch/address_class.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct cached_name {
    const char *host; /* behind the addresses, in the same allocation */
    struct list node; /* in cache->age */
    uint64_t expires_ms;
    const char *message;
    size_t count;
    struct ip_address addresses[];
};

static int compare_hosts(const void *a, const void *b)
{
    const struct cached_name *left = a;
    const struct cached_name *right = b;
    return strcmp(left->host, right->host);
}

static struct cached_name *find(const struct resolver_cache *cache, const char *host)
{
    struct cached_name key = {.host = host};
    struct cached_name *const *found = tfind(&key, &cache->tree, compare_hosts);
    return found ? *found : NULL;
}

static void drop(struct resolver_cache *cache, struct cached_name *entry)
{
    tdelete(entry, &cache->tree, compare_hosts);
    list_remove(&entry->node);
    cache->count--;
    free(entry);
}

void resolver_cache_init(struct resolver_cache *cache, size_t max)
{
    *cache = (struct resolver_cache){.max = max};
    list_init(&cache->age);
}

void resolver_cache_limit(struct resolver_cache *cache, size_t max)
{
    cache->max = max;
    while (cache->count > max)
        drop(cache, container_of(list_first(&cache->age), struct cached_name, node));
}

void resolver_cache_done(struct resolver_cache *cache)
{
    struct list *oldest;
    while ((oldest = list_first(&cache->age)))
        drop(cache, container_of(oldest, struct cached_name, node));
}

bool resolver_cache_find(struct resolver_cache *cache, const char *host, uint64_t now_ms,
                         struct resolver_answer *ret_answer)
{
    struct cached_name *entry = find(cache, host);
    if (!entry)
        return false;
    if (entry->expires_ms <= now_ms) {
        drop(cache, entry);
        return false;
    }
    list_remove(&entry->node);
    list_push_back(&cache->age, &entry->node);
    ret_answer->count = entry->count;
    ret_answer->message = entry->message;
    for (size_t i = 0; i < entry->count; i++)
        ip_address_to_sockaddr(&entry->addresses[i], &ret_answer->addresses[i]);
    return true;
}

static struct cached_name *make_entry(const char *host,
                                      const struct resolver_answer *answer)
{
    size_t host_size = strlen(host) + 1;
    size_t addresses_size = answer->count * sizeof(struct ip_address);
    struct cached_name *entry = memory_new(sizeof *entry + addresses_size + host_size);
    for (size_t i = 0; i < answer->count; i++) {
        const struct sockaddr *address = (const void *)&answer->addresses[i];
        if (ip_address_from_sockaddr(address, &entry->addresses[entry->count]))
            entry->count++;
    }
    char *name = (char *)entry + sizeof *entry + addresses_size;
    memcpy(name, host, host_size);
    entry->host = name;
    entry->message = answer->message;
    return entry;
}

void resolver_cache_put(struct resolver_cache *cache, const char *host,
                        const struct resolver_answer *answer, uint64_t now_ms,
                        uint64_t ttl_ms)
{
    struct cached_name *old = find(cache, host);
    if (old)
        drop(cache, old);
    if (ttl_ms == 0 || cache->max == 0)
        return;
    if (cache->count == cache->max)
        drop(cache, container_of(list_first(&cache->age), struct cached_name, node));

    struct cached_name *entry = make_entry(host, answer);
    entry->expires_ms = now_ms + ttl_ms;
    if (!tsearch(entry, &cache->tree, compare_hosts)) {
        free(entry); /* no memory for the node: not cached, which is always allowed */
        return;
    }
    list_push_back(&cache->age, &entry->node);
    cache->count++;
}
