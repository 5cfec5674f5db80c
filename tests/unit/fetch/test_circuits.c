/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/circuits.h: whose circuit it is, what a full table gives up, and that results
 * find the circuit they belong to. */
#include "fetch/circuits.h"

#include "fetch/caller.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>

enum { NOW_MS = 5000000, OPEN_MS = 5000 };

static struct circuits *circuits;
static struct caller one, other;

static struct circuits *made(const char *scope)
{
    const struct config_override overrides[] = {{"breaker.consecutive_failures", "2"},
                                                {"breaker.scope", scope}};
    struct buffer faults;
    buffer_init(&faults, 4096);
    struct config *config = config_load(NULL, overrides, 2, &faults);
    cr_assert_not_null(config);
    struct circuits *result = circuits_new(config, 1);
    cr_assert_not_null(result);
    config_free(config);
    buffer_done(&faults);
    return result;
}

static void setup(void)
{
    circuits = made("caller");
}

static void teardown(void)
{
    circuits_free(circuits);
}

TestSuite(circuits, .init = setup, .fini = teardown);

static uint64_t key(const char *host, uint16_t port, bool is_https,
                    const struct caller *caller)
{
    struct target target = {.port = port, .is_https = is_https};
    snprintf(target.host, sizeof target.host, "%s", host);
    return circuits_key(circuits, circuits_origin(circuits, &target), caller);
}

static bool call(uint64_t of, enum breaker_verdict verdict, uint64_t now_ms)
{
    uint64_t wait_ms;
    struct circuit_pass pass = {0};
    cr_assert_eq(circuits_enter(circuits, of, now_ms, &wait_ms, &pass), BREAKER_PASS);
    cr_assert_eq(pass.key, of);
    return circuits_leave(circuits, &pass, verdict, now_ms);
}

static bool is_open(uint64_t of, uint64_t now_ms)
{
    uint64_t wait_ms = 0;
    return circuits_ask(circuits, of, now_ms, &wait_ms) == BREAKER_WAIT && wait_ms > 0;
}

static void open(uint64_t of, uint64_t now_ms)
{
    cr_assert_not(call(of, BREAKER_FAILURE, now_ms));
    cr_assert(call(of, BREAKER_FAILURE, now_ms));
}

Test(circuits, there_are_none_unless_asked_for)
{
    struct config *config = config_defaults();
    cr_assert_null(circuits_new(config, 1));
    config_free(config);
    circuits_free(NULL);
}

Test(circuits, tell_scheme_host_port_and_caller_apart)
{
    uint64_t mine = key("a.test", 80, false, &one);
    cr_assert_neq(mine, 0);
    cr_assert_eq(mine, key("a.test", 80, false, &one));
    cr_assert_neq(mine, key("b.test", 80, false, &one));
    cr_assert_neq(mine, key("a.test", 81, false, &one));
    cr_assert_neq(mine, key("a.test", 80, true, &one));
    cr_assert_neq(mine, key("a.test", 80, false, &other));
}

Test(circuits, one_callers_failures_do_not_shut_an_origin_for_others)
{
    open(key("a.test", 80, false, &one), NOW_MS);
    cr_assert(is_open(key("a.test", 80, false, &one), NOW_MS));
    cr_assert_not(is_open(key("a.test", 80, false, &other), NOW_MS));
    cr_assert_not(is_open(key("b.test", 80, false, &one), NOW_MS));
}

Test(circuits, with_scope_process_all_callers_share_them)
{
    circuits_free(circuits);
    circuits = made("process");
    open(key("a.test", 80, false, &one), NOW_MS);
    cr_assert(is_open(key("a.test", 80, false, &other), NOW_MS));
    cr_assert_not(is_open(key("b.test", 80, false, &other), NOW_MS));
}

Test(circuits, openings_are_counted)
{
    cr_assert_eq(circuits_openings(circuits), 0);
    open(key("a.test", 80, false, &one), NOW_MS);
    open(key("b.test", 80, false, &one), NOW_MS);
    cr_assert_eq(circuits_openings(circuits), 2);
}

Test(circuits, a_pass_is_given_back_once)
{
    uint64_t wait_ms, of = key("a.test", 80, false, &one);
    struct circuit_pass pass = {0};
    cr_assert_not(circuits_leave(circuits, &pass, BREAKER_FAILURE, NOW_MS));
    cr_assert_eq(circuits_enter(circuits, of, NOW_MS, &wait_ms, &pass), BREAKER_PASS);
    for (int i = 0; i < 10; i++)
        cr_assert_not(circuits_leave(circuits, &pass, BREAKER_FAILURE, NOW_MS));
    cr_assert_not(is_open(of, NOW_MS));
}

Test(circuits, are_counted_by_what_they_do_now)
{
    uint64_t wait_ms, a = key("a.test", 80, false, &one);
    struct circuit_pass pass = {0};
    open(a, NOW_MS);
    open(key("b.test", 80, false, &one), NOW_MS + 2 * OPEN_MS);
    cr_assert_not(call(key("c.test", 80, false, &one), BREAKER_FAILURE, NOW_MS));
    struct circuit_counts counts = circuits_count(circuits, NOW_MS + 2 * OPEN_MS);
    cr_assert_eq(counts.open, 1);
    cr_assert_eq(counts.half_open, 1, "its time is over");
    cr_assert_eq(circuits_enter(circuits, a, NOW_MS + 2 * OPEN_MS, &wait_ms, &pass),
                 BREAKER_PASS);
    counts = circuits_count(circuits, NOW_MS + 2 * OPEN_MS);
    cr_assert_eq(counts.open, 1);
    cr_assert_eq(counts.half_open, 1, "it is probed");
    cr_assert_not(circuits_leave(circuits, &pass, BREAKER_SUCCESS, NOW_MS + 2 * OPEN_MS));
    counts = circuits_count(circuits, NOW_MS + 2 * OPEN_MS);
    cr_assert_eq(counts.half_open, 0);
    counts = circuits_count(circuits, NOW_MS + 3600 * 1000);
    cr_assert_eq(counts.open + counts.half_open, 0, "nobody asks for it any more");
}

/* More than the table holds: what fails is not pushed out by what works. */
Test(circuits, a_full_table_keeps_the_open_ones)
{
    enum { OPEN_ONES = 50, SOUND_ONES = 20000 };
    char host[32];
    int kept = 0;
    for (unsigned i = 0; i < OPEN_ONES; i++) {
        snprintf(host, sizeof host, "bad%u.test", i);
        open(key(host, 80, false, &one), NOW_MS);
    }
    for (unsigned i = 0; i < SOUND_ONES; i++) {
        snprintf(host, sizeof host, "good%u.test", i);
        cr_assert_not(call(key(host, 80, false, &one), BREAKER_SUCCESS, NOW_MS + i));
    }
    for (unsigned i = 0; i < OPEN_ONES; i++) {
        snprintf(host, sizeof host, "bad%u.test", i);
        kept += is_open(key(host, 80, false, &one), NOW_MS);
    }
    cr_assert_geq(kept, OPEN_ONES - 2); /* five of one set among fifty are rare */
}

Test(circuits, a_full_table_gives_up_the_oldest_of_its_kind)
{
    enum { MANY = 10000, LATEST = 60 };
    char host[32];
    int kept = 0;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(host, sizeof host, "bad%u.test", i);
        open(key(host, 80, false, &one), NOW_MS + i);
        cr_assert(is_open(key(host, 80, false, &one), NOW_MS + i));
    }
    for (unsigned i = MANY - LATEST; i < MANY; i++) {
        snprintf(host, sizeof host, "bad%u.test", i);
        kept += is_open(key(host, 80, false, &one), NOW_MS + MANY);
    }
    cr_assert_geq(kept, LATEST / 4); /* jitter may make a later one end first */
}

Test(circuits, what_a_forgotten_circuit_let_through_does_not_count_for_the_next)
{
    enum { MANY = 20000 };
    char host[32];
    uint64_t wait_ms, of = key("a.test", 80, false, &one);
    struct circuit_pass early = {0};
    cr_assert_eq(circuits_enter(circuits, of, NOW_MS, &wait_ms, &early), BREAKER_PASS);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(host, sizeof host, "h%u.test", i);
        cr_assert_not(call(key(host, 80, false, &one), BREAKER_FAILURE, NOW_MS + i));
    }
    cr_assert_not(call(of, BREAKER_FAILURE, NOW_MS + MANY));
    cr_assert_not(circuits_leave(circuits, &early, BREAKER_FAILURE, NOW_MS + MANY));
    cr_assert(call(of, BREAKER_FAILURE, NOW_MS + MANY));
}

/* ---------------------------------------------------------------------------- threads */

static void *hammer(void *data)
{
    uint64_t wait_ms;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t of = key(i % 3 ? "a.test" : "b.test", 80, false, &one);
        struct circuit_pass pass = {0};
        if (circuits_enter(circuits, of, NOW_MS + i, &wait_ms, &pass) == BREAKER_PASS)
            (void)!circuits_leave(circuits, &pass,
                                  i % 2 ? BREAKER_FAILURE : BREAKER_NOTHING, NOW_MS + i);
        if (i % 1000 == 0)
            (void)circuits_count(circuits, NOW_MS + i);
    }
    return data;
}

Test(circuits, are_shared_between_threads_and_leak_no_probe)
{
    pthread_t threads[4];
    uint64_t wait_ms;
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, hammer, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    uint64_t late_ms = NOW_MS + 10 * 3600 * 1000;
    cr_assert_eq(
        circuits_ask(circuits, key("a.test", 80, false, &one), late_ms, &wait_ms),
        BREAKER_PASS);
    cr_assert_gt(circuits_openings(circuits), 0);
}

static uint64_t origin_key(const char *host)
{
    struct target target = {.port = 80};
    snprintf(target.host, sizeof target.host, "%s", host);
    return circuits_origin(circuits, &target);
}

Test(circuits, the_list_has_those_that_are_not_closed)
{
    static struct circuit_list list;
    uint64_t down = key("down", 80, false, &other);
    circuits_list(circuits, 0, &list);
    cr_assert(list.count == 0 && !list.is_off);
    cr_assert_eq(circuit_list_state(&list, origin_key("down")), CIRCUIT_CLOSED);
    (void)call(key("fine", 80, false, &one), BREAKER_SUCCESS, 0);
    for (int i = 0; i < 2; i++)
        (void)call(down, BREAKER_FAILURE, 0);
    circuits_list(circuits, 1, &list);
    cr_assert_eq(list.count, 1);
    cr_assert_eq(circuit_list_state(&list, origin_key("down")), CIRCUIT_OPEN);
    cr_assert_eq(circuit_list_state(&list, origin_key("fine")), CIRCUIT_CLOSED);
    /* Its time is over, and one has come to see. */
    uint64_t later_ms = 1, wait_ms;
    struct circuit_pass pass;
    while (circuits_ask(circuits, down, later_ms, &wait_ms) == BREAKER_WAIT)
        later_ms += wait_ms;
    cr_assert_eq(circuits_enter(circuits, down, later_ms, &wait_ms, &pass), BREAKER_PASS);
    circuits_list(circuits, later_ms, &list);
    cr_assert_eq(circuit_list_state(&list, origin_key("down")), CIRCUIT_HALF_OPEN);
    cr_assert(not(circuits_leave(circuits, &pass, BREAKER_NOTHING, later_ms)));
}

Test(circuits, of_several_callers_the_worst_is_told)
{
    static struct circuit_list list;
    uint64_t mine = key("down", 80, false, &one), theirs = key("down", 80, false, &other);
    cr_assert_neq(mine, theirs);
    (void)call(mine, BREAKER_SUCCESS, 0);
    for (int i = 0; i < 2; i++)
        (void)call(theirs, BREAKER_FAILURE, 0);
    circuits_list(circuits, 1, &list);
    cr_assert_eq(circuit_list_state(&list, origin_key("down")), CIRCUIT_OPEN);
}

Test(circuits, where_there_are_none_the_list_says_off)
{
    static struct circuit_list list;
    circuits_list(NULL, 0, &list);
    cr_assert(list.is_off && list.count == 0);
    cr_assert_eq(circuit_list_state(&list, 0), CIRCUIT_OFF);
}
