/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the resolver, kept for a while: a table of names with a ceiling, from which
 * the one unused for longest goes first. Pure: the time is a parameter. */
#pragma once

#include "base/list.h"
#include "fetch/resolver.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resolver_cache {
    void *tree;      /* entries by name: tsearch(3), balanced, so no choice of names makes
                        it slow */
    struct list age; /* the same entries, longest unused first */
    size_t count;
    size_t max; /* 0: keeps nothing */
};

void resolver_cache_init(struct resolver_cache *cache, size_t max);
/* resolver_cache_limit: from now on it keeps `max`. */
void resolver_cache_limit(struct resolver_cache *cache, size_t max);
void resolver_cache_done(struct resolver_cache *cache);

/* resolver_cache_find copies the answer for `host` into `ret_answer` if there is one that
 * is valid at `now_ms`. */
bool resolver_cache_find(struct resolver_cache *cache, const char *host, uint64_t now_ms,
                         struct resolver_answer *ret_answer);

/* resolver_cache_put keeps a copy of `answer` for `ttl_ms`, instead of what was there;
 * with a ttl of 0 only drops what was there. */
void resolver_cache_put(struct resolver_cache *cache, const char *host,
                        const struct resolver_answer *answer, uint64_t now_ms,
                        uint64_t ttl_ms);
