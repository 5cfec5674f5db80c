/* SPDX-License-Identifier: Apache-2.0 */
/* c-ares on a worker's loop: names in, addresses out, no policy. The mechanism under the
 * resolver; single-threaded. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/loop.h"
#include "fetch/address_class.h"
#include "fetch/resolver.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_channel;
struct dns_request;

/* on_found is called exactly once for each dns_channel_ask, with the results set. It runs
 * INSIDE c-ares, maybe inside dns_channel_ask or dns_channel_free, so it only records. */
typedef void dns_found_fn(struct dns_request *request);

/* One question; embedded in its owner, which keeps it until on_found. */
struct dns_request {
    dns_found_fn *on_found; /* set by the owner */

    /* The results. */
    size_t count;                                    /* 0: failed, see message */
    struct ip_address found[RESOLVER_ADDRESSES_MAX]; /* in the order to try them */
    uint32_t ttl_s; /* the least of all records, aliases included */
    const char *message;
};

struct dns_setup {
    struct loop *loop;
    uint64_t timeout_ms; /* dns.timeout: tries are spaced to go on until then */
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
 * as c-ares reads them from the system. `family` is AF_UNSPEC for both, or AF_INET. */
void dns_channel_ask(struct dns_channel *channel, const char *host, int family,
                     struct dns_request *request);

/* dns_request_answer writes what a request found as an answer. */
void dns_request_answer(const struct dns_request *request,
                        struct resolver_answer *ret_answer);

/* dns_channel_use_servers: see resolver_use_servers. */
bool dns_channel_use_servers(struct dns_channel *channel, const char *csv);
