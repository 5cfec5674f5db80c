/* SPDX-License-Identifier: Apache-2.0 */
/* c-ares on a worker's loop: names in, addresses out, no policy. The mechanism under the
 * resolver; single-threaded. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/loop.h"
#include "fetch/resolver.h"

#include <stdbool.h>
#include <stdint.h>

struct dns_channel;

/* One name being looked up; embedded in its owner, which keeps it until on_found. */
struct dns_request;

/* on_found is called exactly once for each dns_channel_ask: by then `request->answer` and
 * `ttl_s` are set. It runs INSIDE c-ares, maybe inside dns_channel_ask or
 * dns_channel_free, so it only records. */
typedef void dns_found_fn(struct dns_request *request);

struct dns_request {
    dns_found_fn *on_found;
    struct resolver_answer *ret_answer; /* where on_found finds the answer */
    uint32_t ttl_s;                     /* the least of all records, CNAMEs included */
};

struct dns_setup {
    struct loop *loop;
    uint64_t timeout_ms; /* dns.timeout: tries are spaced to end within it */
    /* Called from the loop, outside c-ares, after each piece of work: the place to act on
     * what on_found recorded. */
    void (*on_progress)(void *context);
    void *context;
};

struct dns_channel *dns_channel_new(const struct dns_setup *setup,
                                    struct error *err) MUST_CHECK;
/* dns_channel_free ends all requests: on_found is called for each, as failed. */
void dns_channel_free(struct dns_channel *channel);

/* dns_channel_ask starts looking `host` up: hosts file, search domains and name servers
 * as c-ares reads them from the system. */
void dns_channel_ask(struct dns_channel *channel, const char *host,
                     struct dns_request *request);

/* dns_channel_use_servers: see resolver_use_servers. */
bool dns_channel_use_servers(struct dns_channel *channel, const char *csv);
