/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/origin.h: a bounded table whose origins hand out calls. */
#include "fetch/origin.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

static struct config *config;
static struct guard *guard;
static struct caller caller = {.in_flight = {.max = UINT64_MAX}};
static struct flow flow = {.caller = &caller};

static void setup(void)
{
    struct error err = {0};
    config = config_defaults();
    guard = guard_new(config, NULL, &err);
    cr_assert(guard != NULL, "%s", err.text);
}

static void teardown(void)
{
    guard_free(guard);
    config_free(config);
}

TestSuite(origin, .init = setup, .fini = teardown);

static struct target target_of(const char *host, uint16_t port)
{
    struct target target = {.scheme = "http", .port = port};
    snprintf(target.host, sizeof target.host, "%s", host);
    return target;
}

static struct origin *get(struct origins *origins, const char *host)
{
    struct target target = target_of(host, 80);
    return origins_get(origins, &target);
}

Test(origin, is_one_per_scheme_host_and_port)
{
    struct origins *origins = origins_new(guard, 1);
    struct target other_port = target_of("a.example", 8080);
    struct target other_scheme = target_of("a.example", 80);
    snprintf(other_scheme.scheme, sizeof other_scheme.scheme, "https");
    other_scheme.is_https = true;
    struct origin *origin = get(origins, "a.example");
    cr_assert_eq(get(origins, "a.example"), origin);
    cr_assert_neq(get(origins, "b.example"), origin);
    cr_assert_neq(origins_get(origins, &other_port), origin);
    cr_assert_neq(origins_get(origins, &other_scheme), origin);
    cr_assert_eq(origins_count(origins), 4);
    origins_free(origins);
}

Test(origin, hands_out_calls_while_its_slots_last)
{
    struct origins *origins = origins_new(guard, 2);
    struct origin *origin = get(origins, "a.example");
    struct call calls[3] = {0};
    for (int i = 0; i < 3; i++) {
        calls[i].flow = &flow;
        origins_wait(origins, origin, &calls[i], 0);
    }
    cr_assert_eq(origins_schedule(origins)->waiting, 3);
    cr_assert_eq(origins_next(origins, 0), &calls[0]);
    cr_assert_eq(calls[0].origin, origin);
    cr_assert_eq(origins_next(origins, 0), &calls[1]);
    cr_assert_null(origins_next(origins, 0));
    origins_release(origins, origin, &caller, 0);
    cr_assert_eq(origins_next(origins, 0), &calls[2]);
    origins_release(origins, origin, &caller, 0);
    origins_release(origins, origin, &caller, 0);
    origins_free(origins);
}

Test(origin, lets_a_call_wait_first_or_leave)
{
    struct origins *origins = origins_new(guard, 1);
    struct origin *origin = get(origins, "a.example");
    struct call calls[3] = {{.flow = &flow}, {.flow = &flow}, {.flow = &flow}};
    origins_wait(origins, origin, &calls[0], 0);
    origins_wait(origins, origin, &calls[1], 0);
    origins_wait_first(origins, origin, &calls[2], 0);
    origins_leave(origins, &calls[0], 0);
    cr_assert_eq(origins_next(origins, 0), &calls[2]);
    origins_release(origins, origin, &caller, 0);
    origins_leave(origins, &calls[1], 0);
    cr_assert_null(origins_next(origins, 0));
    cr_assert_eq(origins_schedule(origins)->waiting, 0);
    origins_free(origins);
}

Test(origin, keeps_a_bounded_number_of_idle_ones)
{
    struct origins *origins = origins_new(guard, 1);
    struct call call = {.flow = &flow};
    char host[32];
    origins_wait(origins, get(origins, "busy.example"), &call, 0);
    struct origin *busy = call.origin;
    for (int i = 0; i < 5000; i++) {
        snprintf(host, sizeof host, "h%d.example", i);
        get(origins, host);
    }
    cr_assert_leq(origins_count(origins), 1025);
    cr_assert_eq(get(origins, "busy.example"), busy, "one in use is never forgotten");
    cr_assert_eq(origins_drain(origins), &call);
    cr_assert_null(origins_drain(origins));
    origins_free(origins);
}

Test(origin, what_a_batch_of_many_origins_leaves_is_forgotten_bit_by_bit)
{
    enum { MANY = 3000 };
    static struct call calls[MANY];
    struct origins *origins = origins_new(guard, 1);
    char host[32];
    for (int i = 0; i < MANY; i++) {
        snprintf(host, sizeof host, "h%d.example", i);
        calls[i].flow = &flow;
        origins_wait(origins, get(origins, host), &calls[i], 0);
    }
    for (int i = 0; i < MANY; i++)
        cr_assert_not_null(origins_drain(origins));
    cr_assert_eq(origins_count(origins), MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(host, sizeof host, "g%d.example", i);
        get(origins, host);
    }
    cr_assert_leq(origins_count(origins), 1025);
    origins_free(origins);
}

Test(origin, knows_the_verdict_on_its_target)
{
    struct origins *origins = origins_new(guard, 1);
    struct target ssh = target_of("a.example", 22);
    cr_assert_eq(get(origins, "a.example")->verdict, VERDICT_ALLOW);
    struct origin *origin = origins_get(origins, &ssh);
    cr_assert_eq(origin->verdict, VERDICT_BLOCK_URL);
    cr_assert_not_null(origin->reason);
    origins_free(origins);
}

/* -------------------------------------------------------------------------- aliases */

static struct origin *recall(struct origins *origins, const char *url)
{
    return origins_recall(origins, slice_from(url));
}

Test(origin, is_recalled_by_exactly_the_authority_that_was_vetted)
{
    struct origins *origins = origins_new(guard, 1);
    struct origin *origin = get(origins, "a.example");
    cr_assert_null(recall(origins, "http://a.example/x"));
    origins_remember(origins, origin, slice_from("http://a.example/x"));
    cr_expect_eq(recall(origins, "http://a.example/y?z#f"), origin);
    cr_expect_eq(recall(origins, "http://a.example?q"), origin);
    cr_expect_eq(recall(origins, "http://a.example#f"), origin);
    cr_expect_eq(recall(origins, "http://a.example"), origin);
    cr_expect_eq(recall(origins, "http://a.example/@evil.example/"), origin);
    static const char *const others[] = {"http://a.example@evil.example/",
                                         "http://a.example:80/",
                                         "http://a.examplee/",
                                         "http://a.exampl/",
                                         "https://a.example/",
                                         "HTTP://a.example/",
                                         "http:///a.example/",
                                         "http:/a.example/",
                                         "http://a.example\\@evil/",
                                         "http://a.example/ x",
                                         "http://a.example/\\x",
                                         "http://a.example/\x7f",
                                         "http://a.example/\xc3\xa4",
                                         "a.example",
                                         "",
                                         "http://",
                                         "http://a.example\n/"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_null(recall(origins, others[i]), "%s", others[i]);
    origins_free(origins);
}

Test(origin, is_not_recalled_after_it_was_forgotten)
{
    struct origins *origins = origins_new(guard, 1);
    char host[32];
    origins_remember(origins, get(origins, "a.example"), slice_from("http://a.example/"));
    for (int i = 0; i < 2000; i++) {
        snprintf(host, sizeof host, "h%d.example", i);
        get(origins, host);
    }
    cr_assert_null(recall(origins, "http://a.example/"));
    origins_free(origins);
}

Test(origin, is_not_recalled_when_its_name_is_too_long_to_remember)
{
    struct origins *origins = origins_new(guard, 1);
    char url[300];
    int len = snprintf(url, sizeof url, "http://%0200d.example/", 0);
    struct origin *origin = get(origins, "a.example");
    origins_remember(origins, origin, slice_make(url, (size_t)len));
    cr_assert_null(recall(origins, url));
    origins_free(origins);
}

struct walk {
    unsigned visits[20000]; /* by port */
    unsigned all;
};

static void count_visit(void *context, struct origin *origin)
{
    struct walk *walk = context;
    walk->visits[origin->target.port]++;
    walk->all++;
}

static void wait_at(struct origins *origins, struct call *call, unsigned port)
{
    struct target target = target_of("a.example", (uint16_t)port);
    call->flow = &flow;
    origins_wait(origins, origins_get(origins, &target), call, 0);
}

Test(origin, a_walk_visits_each_once)
{
    static struct walk walk;
    static struct call calls[1000];
    struct origins *origins = origins_new(guard, 1);
    for (unsigned i = 0; i < 1000; i++)
        wait_at(origins, &calls[i], i + 1);
    size_t cursor = 0;
    unsigned turns = 1;
    while (origins_walk(origins, &cursor, 100, count_visit, &walk))
        turns++;
    cr_assert_eq(cursor, 0);
    cr_assert(turns > 5, "in slices: %u", turns);
    cr_assert_eq(walk.all, 1000);
    for (unsigned i = 1; i <= 1000; i++)
        cr_assert_eq(walk.visits[i], 1);
    while (origins_drain(origins))
        ;
    origins_free(origins);
}

Test(origin, a_walk_visits_each_once_while_the_table_grows)
{
    static struct walk walk;
    static struct call calls[12000];
    struct origins *origins = origins_new(guard, 1);
    unsigned made = 0;
    for (; made < 200; made++)
        wait_at(origins, &calls[made], made + 1);
    size_t cursor = 0;
    bool has_more;
    do { /* the table doubles five times meanwhile */
        has_more = origins_walk(origins, &cursor, 20, count_visit, &walk);
        for (int i = 0; i < 300 && made < 12000; i++, made++)
            wait_at(origins, &calls[made], made + 1);
    } while (has_more);
    cr_assert(made > 3000, "%u", made);
    for (unsigned i = 1; i <= 200; i++)
        cr_assert_eq(walk.visits[i], 1, "%u: %u", i, walk.visits[i]);
    for (unsigned i = 201; i <= made; i++)
        cr_assert_leq(walk.visits[i], 1);
    while (origins_drain(origins))
        ;
    origins_free(origins);
}
