/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver: merges, bounds and caches; dns_channel.c asks.
 *
 *   resolver_ask ─► lookup (one per name) ─► c-ares ─► on_found: recorded in `finished`
 *                        │                                   │
 *                        ├─ half of dns.timeout: ask c-ares  └─► deliver, from the loop
 *                        │  for IPv4 alone as well
 *                        └─ dns.timeout: answered as failed
 *
 * Why IPv4 alone: some name servers never answer questions for IPv6 (RFC 4074), and
 * c-ares holds back the address it has until the other question is lost.
 *
 * A lookup lives until c-ares is done with it. Once answered it leaves the tree, so that
 * the next question for the name starts afresh; a late answer still fills the cache.
 * Questions hang in the list of their lookup: cancelling is unlinking.
 *
 * Refuses to judge addresses and to call an owner from inside c-ares or from
 * resolver_ask. Called by the fetcher of the same worker. */
#include "fetch/resolver.h"

#include "base/memory.h"
#include "fetch/dns_channel.h"
#include "fetch/host_name.h"
#include "fetch/resolver_cache.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAILURE_TTL_MS = 1000,
    HOSTS_FILE_TTL_MS = 1000, /* its lines have none; c-ares 1.18 reads it every time */
};

struct resolver {
    struct loop *loop;
    struct metrics_shard *metrics;
    struct dns_channel *channel;
    struct resolver_cache cache;
    struct resolver_answer cached; /* what resolver_cached returned last */
    uint64_t timeout_ms;
    uint64_t ttl_max_ms;
    void *tree;           /* lookups not answered yet, by name */
    size_t lookup_count;  /* all of them */
    size_t lookup_max;    /* of them */
    struct list finished; /* queries c-ares is done with */
    struct list refused;  /* questions over lookup_max */
    struct timer deliver; /* set when there is something to deliver */
};

/* One question to c-ares. */
struct query {
    struct dns_request request;
    struct lookup *lookup;
    struct list node;   /* in finished */
    bool is_asking;     /* inside dns_channel_ask */
    bool is_from_hosts; /* answered there: by a file, not by a name server */
};

struct lookup {
    char host[HOST_NAME_SIZE]; /* first: the tree compares it */
    struct resolver *resolver;
    struct list questions;
    struct timer timer; /* half of dns.timeout, then all of it */
    struct query any;
    struct query v4;
    unsigned pending; /* queries c-ares is not done with, or not delivered */
    bool is_answered;
};

static int compare_hosts(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct lookup *find_lookup(struct resolver *resolver, const char *host)
{
    struct lookup *const *found = tfind(host, &resolver->tree, compare_hosts);
    return found ? *found : NULL;
}

static void answer_questions(struct list *questions, const struct resolver_answer *answer)
{
    struct list *node;
    while ((node = list_pop_front(questions))) {
        struct resolver_question *question =
            container_of(node, struct resolver_question, node);
        question->on_answer(question, answer);
    }
}

static void lookup_free(struct lookup *lookup)
{
    lookup->resolver->lookup_count--;
    loop_timer_clear(lookup->resolver->loop, &lookup->timer);
    free(lookup);
}

static uint64_t ttl_ms_of(const struct query *query)
{
    if (query->request.count == 0)
        return FAILURE_TTL_MS;
    uint64_t ttl_ms =
        query->is_from_hosts ? HOSTS_FILE_TTL_MS : (uint64_t)query->request.ttl_s * 1000;
    uint64_t max_ms = query->lookup->resolver->ttl_max_ms;
    return ttl_ms < max_ms ? ttl_ms : max_ms;
}

static void keep(const struct lookup *lookup, const struct resolver_answer *answer,
                 uint64_t ttl_ms)
{
    struct resolver *resolver = lookup->resolver;
    resolver_cache_put(&resolver->cache, lookup->host, answer, resolver->loop->now_ms,
                       ttl_ms);
}

/* Answers the questions, once. */
static void conclude(struct lookup *lookup, const struct resolver_answer *answer)
{
    struct resolver *resolver = lookup->resolver;
    assert(!lookup->is_answered);
    lookup->is_answered = true;
    tdelete(lookup, &resolver->tree, compare_hosts);
    loop_timer_clear(resolver->loop, &lookup->timer);
    metrics_add(resolver->metrics, METRIC_DNS_LOOKUPS,
                answer->count > 0 ? DNS_ANSWERED : DNS_FAILED, 1);
    answer_questions(&lookup->questions, answer);
}

/* Uses what a query found; frees the lookup after its last. That there is no IPv4 decides
 * nothing: the query for both will tell. */
static void finish(struct query *query)
{
    struct lookup *lookup = query->lookup;
    bool is_found = query->request.count > 0;
    bool is_decided = is_found || query == &lookup->any;
    struct resolver_answer answer;
    dns_request_answer(&query->request, &answer);
    lookup->pending--;
    if (is_found || (is_decided && !lookup->is_answered))
        keep(lookup, &answer, ttl_ms_of(query));
    if (is_decided && !lookup->is_answered)
        conclude(lookup, &answer);
    if (lookup->pending == 0)
        lookup_free(lookup);
}

/* Delivers what is there now. What an owner's callback adds waits for the next turn, so
 * that an owner that asks again at once cannot hold the loop. */
static void deliver(struct resolver *resolver)
{
    const struct list *last = resolver->finished.prev;
    for (bool is_last = list_is_empty(&resolver->finished); !is_last;) {
        struct list *node = list_pop_front(&resolver->finished);
        is_last = node == last;
        finish(container_of(node, struct query, node));
    }
    static const struct resolver_answer too_many = {
        .message = "too many names are being looked up"};
    struct list refused;
    list_init(&refused);
    for (struct list *node; (node = list_pop_front(&resolver->refused));)
        list_push_back(&refused, node);
    answer_questions(&refused, &too_many);
}

static void schedule(struct resolver *resolver)
{
    if (!timer_is_set(&resolver->deliver))
        loop_timer_set(resolver->loop, &resolver->deliver, resolver->loop->now_ms);
}

static void on_deliver_due(struct timer *timer)
{
    deliver(container_of(timer, struct resolver, deliver));
}

/* c-ares has done a piece of work. */
static void on_progress(void *context)
{
    deliver(context);
}

/* Inside c-ares: record only. */
static void on_found(struct dns_request *request)
{
    struct query *query = container_of(request, struct query, request);
    query->is_from_hosts = query->is_asking;
    list_push_back(&query->lookup->resolver->finished, &query->node);
}

static void ask(struct query *query, int family)
{
    struct resolver *resolver = query->lookup->resolver;
    query->lookup->pending++;
    query->request.on_found = on_found;
    query->is_asking = true;
    dns_channel_ask(resolver->channel, query->lookup->host, family, &query->request);
    query->is_asking = false;
    if (!list_is_empty(&resolver->finished)) /* found at once, or another failed */
        schedule(resolver);
}

/* dns.timeout is over. */
static void on_expired(struct timer *timer)
{
    struct lookup *lookup = container_of(timer, struct lookup, timer);
    static const struct resolver_answer timed_out = {
        .message = "the name server did not answer in time"};
    if (list_is_linked(&lookup->any.node))
        return; /* finished a moment ago, about to be delivered */
    keep(lookup, &timed_out, FAILURE_TTL_MS);
    conclude(lookup, &timed_out);
}

/* Half of it is. */
static void on_half_expired(struct timer *timer)
{
    struct lookup *lookup = container_of(timer, struct lookup, timer);
    uint64_t half_ms = lookup->resolver->timeout_ms / 2;
    lookup->timer.on_due = on_expired;
    loop_timer_set(lookup->resolver->loop, &lookup->timer,
                   lookup->timer.at_ms + lookup->resolver->timeout_ms - half_ms);
    ask(&lookup->v4, AF_INET);
}

struct resolver *resolver_new(struct loop *loop, const struct config *config,
                              struct metrics_shard *metrics, struct error *err)
{
    struct resolver *resolver = memory_new(sizeof *resolver);
    resolver->loop = loop;
    resolver->metrics = metrics;
    resolver->timeout_ms = config->dns.timeout_ms;
    resolver->ttl_max_ms = config->dns.ttl_max_ms;
    /* Every call in flight may ask for a name of its own; as many again may be left with
     * c-ares by calls that gave up. */
    resolver->lookup_max = config->fetch.max_in_flight * 2;
    resolver->deliver.on_due = on_deliver_due;
    list_init(&resolver->finished);
    list_init(&resolver->refused);
    resolver_cache_init(&resolver->cache, config->dns.cache_max);

    struct dns_setup setup = {.loop = loop,
                              .timeout_ms = config->dns.timeout_ms,
                              .on_progress = on_progress,
                              .context = resolver};
    resolver->channel = dns_channel_new(&setup, err);
    if (!resolver->channel) {
        resolver_free(resolver);
        return NULL;
    }
    return resolver;
}

void resolver_adopt(struct resolver *resolver, const struct config *config)
{
    resolver->ttl_max_ms = config->dns.ttl_max_ms;
    resolver->lookup_max = config->fetch.max_in_flight * 2;
    resolver_cache_limit(&resolver->cache, config->dns.cache_max);
}

/* Questions are the owner's memory: leave them as resolver_cancel would. */
static void drop_questions(struct list *questions)
{
    while (list_pop_front(questions))
        continue;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    dns_channel_free(resolver->channel); /* every query is in `finished` now */
    for (struct list *node; (node = list_pop_front(&resolver->finished));) {
        struct lookup *lookup = container_of(node, struct query, node)->lookup;
        drop_questions(&lookup->questions);
        if (--lookup->pending > 0)
            continue;
        if (!lookup->is_answered)
            tdelete(lookup, &resolver->tree, compare_hosts);
        lookup_free(lookup);
    }
    assert(resolver->lookup_count == 0);
    drop_questions(&resolver->refused);
    loop_timer_clear(resolver->loop, &resolver->deliver);
    resolver_cache_done(&resolver->cache);
    free(resolver);
}

const struct resolver_answer *resolver_cached(struct resolver *resolver, const char *host)
{
    if (!resolver_cache_find(&resolver->cache, host, resolver->loop->now_ms,
                             &resolver->cached))
        return NULL;
    metrics_add(resolver->metrics, METRIC_DNS_LOOKUPS, DNS_CACHED, 1);
    return &resolver->cached;
}

/* NULL: one too many, or a text that is no name. */
static struct lookup *lookup_new(struct resolver *resolver, const char *host)
{
    size_t len = strlen(host);
    if (len >= HOST_NAME_SIZE || resolver->lookup_count >= resolver->lookup_max)
        return NULL;
    struct lookup *lookup = memory_new(sizeof *lookup);
    memcpy(lookup->host, host, len + 1);
    if (!tsearch(lookup, &resolver->tree, compare_hosts)) {
        free(lookup);
        return NULL;
    }
    resolver->lookup_count++;
    lookup->resolver = resolver;
    lookup->any.lookup = lookup;
    lookup->v4.lookup = lookup;
    lookup->timer.on_due = on_half_expired;
    list_init(&lookup->questions);
    loop_timer_set(resolver->loop, &lookup->timer,
                   resolver->loop->now_ms + resolver->timeout_ms / 2);
    return lookup;
}

void resolver_ask(struct resolver *resolver, const char *host,
                  struct resolver_question *question)
{
    struct lookup *lookup = find_lookup(resolver, host);
    if (lookup) {
        list_push_back(&lookup->questions, &question->node);
        return;
    }
    lookup = lookup_new(resolver, host);
    if (!lookup) {
        list_push_back(&resolver->refused, &question->node);
        schedule(resolver);
        return;
    }
    list_push_back(&lookup->questions, &question->node);
    ask(&lookup->any, AF_UNSPEC);
}

void resolver_cancel(struct resolver *resolver, struct resolver_question *question)
{
    (void)resolver;
    list_remove(&question->node);
}

bool resolver_use_servers(struct resolver *resolver, const char *csv)
{
    return dns_channel_use_servers(resolver->channel, csv);
}
