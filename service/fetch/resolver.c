/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver: merges, bounds and caches; dns_channel.c asks.
 *
 *   resolver_ask ─► lookup (one per name) ─► c-ares ─► on_found: recorded in `finished`
 *                        │                                   │
 *                        └─ dns.timeout ─► on_expired        └─► deliver, from the loop
 *
 * A lookup lives until c-ares is done with it. When dns.timeout comes first its questions
 * are answered and it leaves the tree, so that the next question for the name starts
 * afresh; a late answer still fills the cache. Questions hang in the list of their
 * lookup: cancelling is unlinking.
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
    void *tree;           /* lookups by name, expired ones not */
    size_t lookup_count;  /* expired ones too */
    size_t lookup_max;    /* of them */
    struct list finished; /* lookups c-ares is done with */
    struct list expired;  /* lookups whose questions were answered before that */
    struct list refused;  /* questions over lookup_max */
    struct timer deliver; /* set when there is something to deliver */
};

struct lookup {
    char host[HOST_NAME_SIZE]; /* first: the tree compares it */
    struct resolver *resolver;
    struct list node; /* in finished or expired */
    struct list questions;
    struct timer timer;
    struct dns_request request;
    struct resolver_answer *answer;
    bool is_expired;
    bool is_asking;     /* inside dns_channel_ask */
    bool is_from_hosts; /* answered there: from a file, not from a name server */
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
    list_remove(&lookup->node);
    free(lookup->answer);
    free(lookup);
}

static uint64_t ttl_ms_of(const struct lookup *lookup)
{
    if (lookup->answer->count == 0)
        return FAILURE_TTL_MS;
    uint64_t ttl_ms = lookup->is_from_hosts ? HOSTS_FILE_TTL_MS
                                            : (uint64_t)lookup->request.ttl_s * 1000;
    uint64_t max_ms = lookup->resolver->ttl_max_ms;
    return ttl_ms < max_ms ? ttl_ms : max_ms;
}

static void count_result(struct resolver *resolver, const struct resolver_answer *answer)
{
    metrics_add(resolver->metrics, METRIC_DNS_LOOKUPS,
                answer->count > 0 ? DNS_ANSWERED : DNS_FAILED, 1);
}

/* Keeps the answer, answers the questions, frees the lookup. */
static void finish(struct lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;
    bool is_late_failure = lookup->is_expired && lookup->answer->count == 0;
    if (!is_late_failure)
        resolver_cache_put(&resolver->cache, lookup->host, lookup->answer,
                           resolver->loop->now_ms, ttl_ms_of(lookup));
    if (!lookup->is_expired) {
        tdelete(lookup, &resolver->tree, compare_hosts);
        count_result(resolver, lookup->answer);
    }
    answer_questions(&lookup->questions, lookup->answer);
    lookup_free(lookup);
}

/* Delivers what is there now. What an owner's callback adds waits for the next turn, so
 * that an owner that asks again at once cannot hold the loop. */
static void deliver(struct resolver *resolver)
{
    struct list *last = resolver->finished.prev;
    for (bool is_last = list_is_empty(&resolver->finished); !is_last;) {
        struct list *node = list_pop_front(&resolver->finished);
        is_last = node == last;
        finish(container_of(node, struct lookup, node));
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
    struct lookup *lookup = container_of(request, struct lookup, request);
    lookup->is_from_hosts = lookup->is_asking;
    list_remove(&lookup->node); /* from expired */
    list_push_back(&lookup->resolver->finished, &lookup->node);
}

/* dns.timeout is over. */
static void on_expired(struct timer *timer)
{
    struct lookup *lookup = container_of(timer, struct lookup, timer);
    struct resolver *resolver = lookup->resolver;
    static const struct resolver_answer timed_out = {
        .message = "the name server did not answer in time"};
    if (list_is_linked(&lookup->node))
        return; /* finished a moment ago, about to be delivered */
    lookup->is_expired = true;
    tdelete(lookup, &resolver->tree, compare_hosts);
    list_push_back(&resolver->expired, &lookup->node);
    resolver_cache_put(&resolver->cache, lookup->host, &timed_out, resolver->loop->now_ms,
                       FAILURE_TTL_MS);
    count_result(resolver, &timed_out);
    answer_questions(&lookup->questions, &timed_out);
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
    list_init(&resolver->expired);
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
    dns_channel_free(resolver->channel); /* every lookup is in `finished` now */
    for (struct list *node; (node = list_pop_front(&resolver->finished));) {
        struct lookup *lookup = container_of(node, struct lookup, node);
        if (!lookup->is_expired)
            tdelete(lookup, &resolver->tree, compare_hosts);
        drop_questions(&lookup->questions);
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
    lookup->answer = memory_new(sizeof *lookup->answer);
    lookup->request.on_found = on_found;
    lookup->request.ret_answer = lookup->answer;
    lookup->timer.on_due = on_expired;
    list_init(&lookup->questions);
    loop_timer_set(resolver->loop, &lookup->timer,
                   resolver->loop->now_ms + resolver->timeout_ms);
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
    lookup->is_asking = true;
    dns_channel_ask(resolver->channel, host, &lookup->request);
    lookup->is_asking = false;
    if (!list_is_empty(&resolver->finished)) /* found at once, or another failed */
        schedule(resolver);
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
