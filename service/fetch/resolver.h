/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses, by c-ares on the worker's loop: never blocks, merges equal names in
 * flight, caches answers for their TTL (at most dns.ttl_max; failures for 1 s), bounded
 * in cache entries and in questions under way. It does not judge addresses: the guard
 * does. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/list.h"
#include "base/loop.h"
#include "config/config.h"
#include "metrics/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { RESOLVER_ADDRESSES_MAX = 16 };

struct resolver;

/* An answer: addresses in the order to try them (families alternate, the first one has a
 * route), port 0. */
struct resolver_answer {
    size_t count; /* 0: failed, see message */
    struct sockaddr_storage addresses[RESOLVER_ADDRESSES_MAX];
    const char *message; /* constant: "no such name", "the name server failed", … */
};

struct resolver_question;
typedef void resolver_fn(struct resolver_question *question,
                         const struct resolver_answer *answer);

/* Embedded in its owner; zeroed before use; in use until on_answer or resolver_cancel. */
struct resolver_question {
    struct list node;
    resolver_fn *on_answer;
};

struct resolver *resolver_new(struct loop *loop, const struct config *config,
                              struct metrics_shard *metrics,
                              struct error *err) MUST_CHECK;
/* resolver_free drops all questions without answering. */
void resolver_free(struct resolver *resolver);

/* resolver_cached returns the cached answer for `host` (lower case), or NULL; it may be a
 * failure. The hot path: no allocation. Valid until the next call to the resolver. */
const struct resolver_answer *resolver_cached(struct resolver *resolver,
                                              const char *host);

/* resolver_adopt takes over dns.ttl_max and dns.cache_max, and how much can be in flight.
 * dns.timeout is c-ares's, which was told once. */
void resolver_adopt(struct resolver *resolver, const struct config *config);

/* resolver_ask looks `host` up, asking whether it is cached is the caller's; on_answer
 * runs later, from the loop (a watch or a timer), never from inside this call, exactly
 * once unless cancelled, within dns.timeout. It may ask and cancel, not free the
 * resolver. */
void resolver_ask(struct resolver *resolver, const char *host,
                  struct resolver_question *question);
/* resolver_cancel drops a question; a no-op when it was answered. */
void resolver_cancel(struct resolver *resolver, struct resolver_question *question);

/* resolver_use_servers asks the name servers in `csv` ("127.0.0.1:5353,[::1]:5354")
 * instead of the system's: for tests. False when the text is not understood. */
bool resolver_use_servers(struct resolver *resolver, const char *csv);
