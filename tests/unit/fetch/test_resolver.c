/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/resolver.h against a name server in the same process: every kind of answer,
 * merging, caching, cancelling, and that nothing is called back from inside a call. */
#include "fetch/resolver.h"
#include "support/dns_responder.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TIMEOUT_MS = 600, PATIENCE_MS = 5000 };

static struct loop loop;
static struct dns_responder responder;
static struct metrics_shard *shard;
static struct resolver *resolver;
static struct config config;

struct asked {
    struct resolver_question question;
    unsigned answers; /* how often on_answer was called */
    size_t count;
    struct sockaddr_storage first;
    char message[80];
};

static void on_answer(struct resolver_question *question,
                      const struct resolver_answer *answer)
{
    struct asked *asked = container_of(question, struct asked, question);
    asked->answers++;
    asked->count = answer->count;
    if (answer->count > 0)
        asked->first = answer->addresses[0];
    snprintf(asked->message, sizeof asked->message, "%s",
             answer->message ? answer->message : "");
}

/* libc's, but that many calls fail. */
static int refused_watches;

int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    if (refused_watches > 0 && operation == EPOLL_CTL_ADD) {
        refused_watches--;
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, set, operation, fd, event);
}

/* c-ares's, but counted: in 1.18 each call walks all queries. (Its header is not read:
 * the type of the first argument is another one in each version.) */
static unsigned timeout_walks;

struct timeval *ares_timeout(const void *channel, struct timeval *longest,
                             struct timeval *wait);
struct timeval *ares_timeout(const void *channel, struct timeval *longest,
                             struct timeval *wait)
{
    typedef struct timeval *timeout_fn(const void *, struct timeval *, struct timeval *);
    timeout_fn *real;
    *(void **)&real = dlsym(RTLD_NEXT, "ares_timeout");
    timeout_walks++;
    return real(channel, longest, wait);
}

static void set_up(void)
{
    struct error err = {0};
    config = (struct config){
        .dns = {.timeout_ms = TIMEOUT_MS, .cache_max = 100, .ttl_max_ms = 30000},
        .fetch.max_in_flight = 100};
    cr_assert(loop_init(&loop, &err), "%s", err.text);
    dns_responder_init(&responder, &loop);
    shard = metrics_shard_new();
    resolver = resolver_new(&loop, &config, shard, &err);
    cr_assert(resolver != NULL, "%s", err.text);
    cr_assert(resolver_use_servers(resolver, responder.csv));
}

static void tear_down(void)
{
    resolver_free(resolver);
    metrics_shard_free(shard);
    dns_responder_done(&responder);
    loop_done(&loop);
}

TestSuite(resolver, .init = set_up, .fini = tear_down);

static void ask(struct asked *asked, const char *host)
{
    *asked = (struct asked){.question.on_answer = on_answer};
    resolver_ask(resolver, host, &asked->question);
    cr_assert(eq(u32, asked->answers, 0), "never from inside the call");
}

static void turn(void)
{
    loop_wait(&loop, 20);
    loop_run_due(&loop);
}

static void run_for(uint64_t ms)
{
    uint64_t end_ms = clock_now_ms() + ms;
    while (clock_now_ms() < end_ms)
        turn();
}

static void wait_for(const struct asked *asked)
{
    uint64_t end_ms = clock_now_ms() + PATIENCE_MS;
    while (asked->answers == 0 && clock_now_ms() < end_ms)
        turn();
    cr_assert(eq(u32, asked->answers, 1), "answered once");
}

static struct asked look_up(const char *host)
{
    struct asked asked;
    ask(&asked, host);
    wait_for(&asked);
    return asked;
}

static const char *first_of(const struct asked *asked)
{
    static char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in *in = (const void *)&asked->first;
    const struct sockaddr_in6 *in6 = (const void *)&asked->first;
    if (in->sin_family == AF_INET)
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    else
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    return text;
}

Test(resolver, a_name_is_answered_with_its_address)
{
    struct asked asked = look_up("ok.test.example");
    cr_expect(eq(sz, asked.count, 1));
    cr_expect_str_eq(first_of(&asked), "192.0.2.1");
    cr_expect_str_eq(asked.message, "");
}

Test(resolver, all_addresses_of_both_families_are_told)
{
    cr_expect(eq(sz, look_up("both.test.example").count, 3));
}

Test(resolver, more_addresses_than_fit_are_cut)
{
    cr_expect(eq(sz, look_up("many.test.example").count, RESOLVER_ADDRESSES_MAX));
}

Test(resolver, localhost_is_loopback)
{
    struct asked asked = look_up("localhost");
    cr_assert(ge(sz, asked.count, 1));
    const char *first = first_of(&asked);
    cr_expect(strncmp(first, "127.", 4) == 0 || strcmp(first, "::1") == 0, "%s", first);
    cr_expect(eq(sz, responder.questions, 0));
    cr_expect(resolver_cached(resolver, "localhost") != NULL,
              "the hosts file, for a second");
}

Test(resolver, an_alias_is_followed_and_its_ttl_counts)
{
    cr_expect(eq(sz, look_up("alias.test.example").count, 1));
    cr_expect(resolver_cached(resolver, "alias.test.example") != NULL);
    run_for(1100);
    cr_expect(resolver_cached(resolver, "alias.test.example") == NULL);
}

/* A second round of questions would take as long again. */
static void expect_failure(const char *host, const char *message)
{
    uint64_t start_ms = clock_now_ms();
    struct asked asked = look_up(host);
    uint64_t took_ms = clock_now_ms() - start_ms;
    cr_expect(eq(sz, asked.count, 0), "%s", host);
    if (message)
        cr_expect_str_eq(asked.message, message, "%s", host);
    cr_expect(ne(sz, strlen(asked.message), 0), "%s", host);
    cr_expect(lt(u64, took_ms, 2 * TIMEOUT_MS - 100), "%s took %d ms", host,
              (int)took_ms);
}

Test(resolver, every_failure_has_its_own_words_and_ends_within_the_timeout)
{
    expect_failure("nx.test.example", "no such name");
    expect_failure("empty.test.example", "the name has no address");
    expect_failure("servfail.test.example", NULL);
    expect_failure("refused.test.example", NULL);
    expect_failure("silent.test.example", "the name server did not answer in time");
}

Test(resolver, broken_answers_end_within_the_timeout)
{
    expect_failure("garbage.test.example", NULL);
    expect_failure("wrongid.test.example", NULL);
    expect_failure("loop.test.example", NULL);
    expect_failure("cut.test.example", NULL);
}

Test(resolver, no_server_at_all_is_a_failure_too)
{
    cr_assert(resolver_use_servers(resolver, "127.0.0.1:1"));
    expect_failure("ok.test.example", NULL);
}

Test(resolver, a_server_that_never_answers_for_ipv6_costs_half_the_timeout)
{
    uint64_t start_ms = clock_now_ms();
    struct asked asked = look_up("half.test.example");
    cr_expect(eq(sz, asked.count, 1));
    cr_expect(lt(u64, clock_now_ms() - start_ms, TIMEOUT_MS));
}

Test(resolver, families_alternate)
{
    look_up("both.test.example");
    const struct resolver_answer *answer = resolver_cached(resolver, "both.test.example");
    cr_assert(answer != NULL && answer->count == 3);
    cr_expect(ne(int, answer->addresses[0].ss_family, answer->addresses[1].ss_family));
}

Test(resolver, an_answer_is_cached_until_its_ttl_is_over)
{
    cr_expect(resolver_cached(resolver, "ttl1.test.example") == NULL);
    look_up("ttl1.test.example");
    const struct resolver_answer *answer = resolver_cached(resolver, "ttl1.test.example");
    cr_assert(answer != NULL);
    cr_expect(eq(sz, answer->count, 1));
    cr_expect(eq(int, answer->addresses[0].ss_family, AF_INET));
    run_for(1100);
    cr_expect(resolver_cached(resolver, "ttl1.test.example") == NULL);
}

Test(resolver, ttl_0_is_not_cached)
{
    look_up("ttl0.test.example");
    cr_expect(resolver_cached(resolver, "ttl0.test.example") == NULL);
    look_up("ttl0.test.example");
    cr_expect(eq(sz, responder.questions, 2));
}

Test(resolver, a_failure_is_cached_for_a_second)
{
    look_up("nx.test.example");
    const struct resolver_answer *answer = resolver_cached(resolver, "nx.test.example");
    cr_assert(answer != NULL);
    cr_expect(eq(sz, answer->count, 0));
    cr_expect_str_eq(answer->message, "no such name");
    run_for(1100);
    cr_expect(resolver_cached(resolver, "nx.test.example") == NULL);
}

Test(resolver, equal_names_in_flight_are_one_question)
{
    static struct asked asked[50];
    for (size_t i = 0; i < 50; i++)
        ask(&asked[i], "ttl0.test.example");
    for (size_t i = 0; i < 50; i++)
        wait_for(&asked[i]);
    cr_expect(eq(sz, responder.questions, 1));
}

Test(resolver, a_cancelled_question_is_not_answered_and_the_others_are)
{
    struct asked first, second, third;
    ask(&first, "ok.test.example");
    ask(&second, "ok.test.example");
    ask(&third, "nx.test.example");
    resolver_cancel(resolver, &first.question);
    resolver_cancel(resolver, &third.question);
    wait_for(&second);
    run_for(50);
    cr_expect(eq(u32, first.answers, 0));
    cr_expect(eq(u32, third.answers, 0));
    cr_expect(eq(u32, second.answers, 1));
    resolver_cancel(resolver, &second.question); /* answered: nothing happens */
}

Test(resolver, the_answer_to_a_cancelled_question_is_cached)
{
    struct asked asked;
    ask(&asked, "ok.test.example");
    resolver_cancel(resolver, &asked.question);
    run_for(100);
    cr_expect(resolver_cached(resolver, "ok.test.example") != NULL);
}

Test(resolver, a_slow_name_does_not_hold_up_a_quick_one)
{
    struct asked slow, quick;
    ask(&slow, "silent.test.example");
    ask(&quick, "ok.test.example");
    uint64_t start_ms = clock_now_ms();
    wait_for(&quick);
    cr_expect(lt(u64, clock_now_ms() - start_ms, TIMEOUT_MS));
    cr_expect(eq(u32, slow.answers, 0));
    wait_for(&slow);
}

Test(resolver, after_a_timeout_the_name_is_asked_afresh)
{
    expect_failure("silent.test.example", NULL);
    size_t before = responder.questions;
    struct asked again;
    ask(&again, "silent.test.example");
    run_for(50);
    cr_expect(gt(sz, responder.questions, before));
    wait_for(&again);
}

Test(resolver, a_socket_the_kernel_did_not_watch_is_watched_later)
{
    refused_watches = 1;
    look_up("ok.test.example"); /* this one may fail, or be saved by its second try */
    cr_assert(eq(int, refused_watches, 0));
    cr_expect(eq(sz, look_up("x-ok.test.example").count, 1));
}

/* Asks again from inside on_answer, as an owner with a redirect does. */
static struct asked chained;

static void on_answer_ask_again(struct resolver_question *question,
                                const struct resolver_answer *answer)
{
    on_answer(question, answer);
    ask(&chained, "x-ok.test.example");
}

Test(resolver, an_owner_may_ask_from_inside_its_callback)
{
    struct asked asked = {.question.on_answer = on_answer_ask_again};
    resolver_ask(resolver, "ok.test.example", &asked.question);
    wait_for(&asked);
    wait_for(&chained);
    cr_expect(eq(sz, chained.count, 1));
}

static struct asked victim;

static void on_answer_cancel_other(struct resolver_question *question,
                                   const struct resolver_answer *answer)
{
    on_answer(question, answer);
    resolver_cancel(resolver, &victim.question);
}

Test(resolver, an_owner_may_cancel_another_question_from_inside_its_callback)
{
    struct asked asked = {.question.on_answer = on_answer_cancel_other};
    resolver_ask(resolver, "ok.test.example", &asked.question);
    ask(&victim, "ok.test.example");
    wait_for(&asked);
    run_for(50);
    cr_expect(eq(u32, victim.answers, 0));
}

Test(resolver, questions_beyond_the_ceiling_fail_and_are_not_cached)
{
    static struct asked asked[300];
    char host[64];
    for (int i = 0; i < 300; i++) {
        snprintf(host, sizeof host, "n%d-silent.test.example", i);
        ask(&asked[i], host);
    }
    run_for(50);
    size_t refused = 0;
    for (int i = 0; i < 300; i++)
        refused += asked[i].answers;
    cr_expect(eq(sz, refused, 100), "twice max_in_flight are let through");
    cr_expect_str_eq(asked[299].message, "too many names are being looked up");
    cr_expect(resolver_cached(resolver, host) == NULL);
    for (int i = 0; i < 300; i++)
        wait_for(&asked[i]);
}

Test(resolver, many_names_cost_no_walk_over_all_of_them_each)
{
    enum { NAMES = 150 };
    static struct asked asked[NAMES];
    char host[64];
    timeout_walks = 0;
    for (int i = 0; i < NAMES; i++) {
        snprintf(host, sizeof host, "n%d-silent.test.example", i);
        ask(&asked[i], host);
    }
    for (int i = 0; i < NAMES; i++)
        wait_for(&asked[i]);
    /* c-ares 1.34 gives each question a time of its own, so the timer rings more often.
     */
    cr_expect(lt(u32, timeout_walks, NAMES));
}

Test(resolver, a_name_longer_than_names_are_fails)
{
    char host[400];
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    struct asked asked = look_up(host);
    cr_expect(eq(sz, asked.count, 0));
}

Test(resolver, questions_under_way_are_dropped_when_it_is_freed)
{
    static struct asked asked[3];
    ask(&asked[0], "silent.test.example");
    ask(&asked[1], "silent.test.example");
    ask(&asked[2], "late.test.example");
    run_for(30);
    resolver_free(resolver);
    for (size_t i = 0; i < 3; i++) {
        cr_expect(eq(u32, asked[i].answers, 0));
        cr_expect(not(list_is_linked(&asked[i].question.node)));
    }
    struct error err;
    resolver = resolver_new(&loop, &config, shard, &err);
    cr_assert(resolver != NULL);
}

Test(resolver, an_answer_after_the_timeout_still_fills_the_cache)
{
    resolver_free(resolver);
    config.dns.timeout_ms = 40; /* the reply takes 80 ms, and c-ares waits that long */
    struct error err;
    resolver = resolver_new(&loop, &config, shard, &err);
    cr_assert(resolver != NULL);
    cr_assert(resolver_use_servers(resolver, responder.csv));
    struct asked asked = look_up("late.test.example");
    cr_expect(eq(sz, asked.count, 0), "the timeout counts for the one who asked");
    run_for(100);
    const struct resolver_answer *answer = resolver_cached(resolver, "late.test.example");
    cr_assert(answer != NULL);
    cr_expect(eq(sz, answer->count, 1));
}

static const char *code_name(unsigned code)
{
    (void)code;
    return "any";
}

Test(resolver, freeing_none_is_fine)
{
    resolver_free(NULL);
    cr_expect(eq(sz, look_up("ok.test.example").count, 1), "the other one is untouched");
}

Test(resolver, names_are_counted_by_result)
{
    look_up("ok.test.example");
    look_up("nx.test.example");
    resolver_cached(resolver, "ok.test.example");
    resolver_cached(resolver, "never-asked.test.example");
    struct buffer page;
    buffer_init(&page, 1 << 20);
    metrics_write(&page, &shard, 1, code_name);
    const char *text = buffer_text(&page);
    cr_assert(text != NULL);
    cr_expect(strstr(text, "gatherd_dns_lookups_total{result=\"answered\"} 1\n") != NULL);
    cr_expect(strstr(text, "gatherd_dns_lookups_total{result=\"failed\"} 1\n") != NULL);
    cr_expect(strstr(text, "gatherd_dns_lookups_total{result=\"cached\"} 1\n") != NULL);
    buffer_done(&page);
}
