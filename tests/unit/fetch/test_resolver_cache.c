/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/resolver_cache.h: time, ceiling, and who goes first. */
#include "fetch/resolver_cache.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static struct resolver_answer answer_of(const char *const *texts, size_t count)
{
    struct resolver_answer answer = {.count = count};
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_in *in = (void *)&answer.addresses[i];
        struct sockaddr_in6 *in6 = (void *)&answer.addresses[i];
        if (inet_pton(AF_INET, texts[i], &in->sin_addr) == 1)
            in->sin_family = AF_INET;
        else if (inet_pton(AF_INET6, texts[i], &in6->sin6_addr) == 1)
            in6->sin6_family = AF_INET6;
    }
    return answer;
}

static struct resolver_answer one(void)
{
    static const char *const texts[] = {"192.0.2.1"};
    return answer_of(texts, 1);
}

static bool has(struct resolver_cache *cache, const char *host, uint64_t now_ms)
{
    struct resolver_answer found;
    return resolver_cache_find(cache, host, now_ms, &found);
}

Test(resolver_cache, what_was_put_is_found_as_it_was)
{
    static const char *const texts[] = {"192.0.2.1", "2001:db8::1", "192.0.2.2"};
    struct resolver_answer answer = answer_of(texts, 3);
    struct resolver_cache cache;
    resolver_cache_init(&cache, 10);
    resolver_cache_put(&cache, "a.example", &answer, 1000, 500);
    struct resolver_answer found;
    memset(&found, 0xee, sizeof found);
    cr_assert(resolver_cache_find(&cache, "a.example", 1000, &found));
    cr_expect(eq(sz, found.count, 3));
    cr_expect(found.message == NULL);
    cr_expect(memcmp(found.addresses, answer.addresses, 3 * sizeof *found.addresses) ==
              0);
    cr_expect(not(has(&cache, "b.example", 1000)));
    cr_expect(not(has(&cache, "a.exampl", 1000)));
    resolver_cache_done(&cache);
}

Test(resolver_cache, a_failure_keeps_its_message)
{
    const struct resolver_answer failure = {.message = "no such name"};
    struct resolver_cache cache;
    resolver_cache_init(&cache, 10);
    resolver_cache_put(&cache, "a.example", &failure, 0, 1000);
    struct resolver_answer found;
    cr_assert(resolver_cache_find(&cache, "a.example", 999, &found));
    cr_expect(eq(sz, found.count, 0));
    cr_expect_str_eq(found.message, "no such name");
    resolver_cache_done(&cache);
}

Test(resolver_cache, an_entry_ends_with_its_ttl_to_the_millisecond)
{
    struct resolver_answer answer = one();
    struct resolver_cache cache;
    resolver_cache_init(&cache, 10);
    resolver_cache_put(&cache, "a.example", &answer, 1000, 500);
    cr_expect(has(&cache, "a.example", 1499));
    cr_expect(not(has(&cache, "a.example", 1500)));
    cr_expect(eq(sz, cache.count, 0), "an expired entry is dropped when it is met");
    resolver_cache_done(&cache);
}

Test(resolver_cache, ttl_0_keeps_nothing_and_drops_what_was_there)
{
    struct resolver_answer answer = one();
    struct resolver_cache cache;
    resolver_cache_init(&cache, 10);
    resolver_cache_put(&cache, "a.example", &answer, 0, 1000);
    resolver_cache_put(&cache, "a.example", &answer, 1, 0);
    cr_expect(not(has(&cache, "a.example", 1)));
    resolver_cache_done(&cache);
}

Test(resolver_cache, a_second_put_replaces_the_first)
{
    struct resolver_answer answer = one();
    const struct resolver_answer failure = {.message = "no such name"};
    struct resolver_cache cache;
    resolver_cache_init(&cache, 10);
    resolver_cache_put(&cache, "a.example", &failure, 0, 1000);
    resolver_cache_put(&cache, "a.example", &answer, 0, 5000);
    struct resolver_answer found;
    cr_assert(resolver_cache_find(&cache, "a.example", 4000, &found));
    cr_expect(eq(sz, found.count, 1));
    cr_expect(eq(sz, cache.count, 1));
    resolver_cache_done(&cache);
}

Test(resolver_cache, over_the_ceiling_the_longest_unused_goes)
{
    struct resolver_answer answer = one();
    struct resolver_cache cache;
    resolver_cache_init(&cache, 3);
    resolver_cache_put(&cache, "a", &answer, 0, 1000);
    resolver_cache_put(&cache, "b", &answer, 0, 1000);
    resolver_cache_put(&cache, "c", &answer, 0, 1000);
    cr_expect(has(&cache, "a", 1));
    resolver_cache_put(&cache, "d", &answer, 1, 1000);
    cr_expect(eq(sz, cache.count, 3));
    cr_expect(has(&cache, "a", 1));
    cr_expect(not(has(&cache, "b", 1)));
    cr_expect(has(&cache, "c", 1) && has(&cache, "d", 1));
    resolver_cache_done(&cache);
}

Test(resolver_cache, a_ceiling_of_0_keeps_nothing)
{
    struct resolver_answer answer = one();
    struct resolver_cache cache;
    resolver_cache_init(&cache, 0);
    resolver_cache_put(&cache, "a", &answer, 0, 1000);
    cr_expect(not(has(&cache, "a", 0)));
    resolver_cache_done(&cache);
}

Test(resolver_cache, many_names_come_and_go_within_the_ceiling)
{
    struct resolver_answer answer = one();
    struct resolver_cache cache;
    resolver_cache_init(&cache, 1000);
    char host[32];
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(host, sizeof host, "n%u.example", i * 7919 % 20000);
        resolver_cache_put(&cache, host, &answer, i, 500);
        cr_assert(le(sz, cache.count, 1000));
        cr_assert(has(&cache, host, i));
    }
    cr_expect(eq(sz, cache.count, 1000));
    resolver_cache_done(&cache);
    cr_expect(eq(sz, cache.count, 0));
}

Test(resolver_cache, a_lower_ceiling_holds_at_once)
{
    struct resolver_answer answer = one();
    struct resolver_cache cache;
    resolver_cache_init(&cache, 3);
    resolver_cache_put(&cache, "a", &answer, 0, 500);
    resolver_cache_put(&cache, "b", &answer, 0, 500);
    resolver_cache_put(&cache, "c", &answer, 0, 500);
    resolver_cache_limit(&cache, 1);
    cr_expect(has(&cache, "c", 0));
    cr_expect_not(has(&cache, "a", 0) || has(&cache, "b", 0));
    resolver_cache_limit(&cache, 2);
    resolver_cache_put(&cache, "d", &answer, 0, 500);
    cr_expect(eq(sz, cache.count, 2));
    resolver_cache_done(&cache);
}
