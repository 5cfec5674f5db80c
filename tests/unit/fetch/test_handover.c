/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/handover.h: two fetchers, one of them with a long queue. Their turns come in one
 * thread, so that what is between two turns can be looked at; tests/run.sh tsan and
 * tests/e2e/test_all_cores.py have real workers. */
#include "fetch_rig.h"

#include "base/clock.h"
#include "base/memory.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 300, FEW = 100 };

static struct rig *rig;

static void make_rig(const char *const *overrides)
{
    rig = rig_new(false, overrides);
    rig_add_peer(rig);
}

static void setup(void)
{
    static const char *const overrides[] = {"fetch.per_origin=100",
                                            "server.share_batches=always", NULL};
    make_rig(overrides); /* the tiny server has 512 connections */
}

static void teardown(void)
{
    rig_free(rig);
}

static void remake_rig(const char *const *overrides)
{
    rig_free(rig);
    make_rig(overrides);
}

TestSuite(handover, .init = setup, .fini = teardown);

static const char *code_name(unsigned code)
{
    return call_code_row((enum call_code)code)->name;
}

/* The sum of a metric's values in a shard. */
static double count_of(struct metrics_shard *shard, const char *metric)
{
    struct buffer page;
    double sum = 0;
    char name[80];
    snprintf(name, sizeof name, "\ngatherd_%s", metric);
    buffer_init(&page, 1 << 20);
    metrics_write(&page, &shard, 1, code_name);
    const char *at = buffer_text(&page);
    while ((at = strstr(at, name)) != NULL) {
        at++;
        if (at[strlen(name) - 1] == ' ' || at[strlen(name) - 1] == '{')
            sum += atof(strchr(at, ' '));
    }
    buffer_done(&page);
    return sum;
}

static double handed_over(void)
{
    return count_of(rig->metrics, "items_handed_over_total");
}

static void start_many(const char *path, int count)
{
    for (int i = 0; i < count; i++)
        rig_start(rig, path);
}

static int away(void)
{
    int count = 0;
    for (int i = 0; i < rig->call_count; i++)
        count += rig->calls[i].call.away != NULL;
    return count;
}

static void expect_all_ok(int count)
{
    for (int i = 0; i < count; i++) {
        cr_assert_eq(rig->calls[i].code, CALL_OK, "call %d: %s", i,
                     rig->calls[i].message);
        cr_assert_eq(rig->calls[i].times_done, 1, "call %d", i);
        cr_assert_eq(rig->calls[i].call.phase, PHASE_IDLE);
    }
}

/* ------------------------------------------------------------------- what is handed over
 */

Test(handover, a_long_queue_is_run_by_both)
{
    start_many("/ok", MANY);
    rig_run(rig, MANY);
    expect_all_ok(MANY);
    cr_assert_gt(handed_over(), 0);
    cr_assert_eq(count_of(rig->peer.metrics, "items_handed_over_total"), 0);
    cr_assert_eq(atomic_load(&rig->server.requests), MANY, "each is sent once");
    for (int i = 0; i < MANY; i++) {
        cr_assert_str_eq(rig->calls[i].body, "ok");
        cr_assert_eq(rig->calls[i].status, 200);
        cr_assert_geq(rig->calls[i].timing.total, rig->calls[i].timing.blocked);
        cr_assert_geq(rig->calls[i].timing.blocked, 0);
    }
    double runs = count_of(rig->metrics, "upstream_connections_opened_total") +
                  count_of(rig->metrics, "upstream_connections_reused_total");
    cr_assert_eq(runs, MANY - handed_over(), "the peer ran what was handed over");
}

Test(handover, a_short_queue_stays)
{
    start_many("/ok", FEW);
    rig_run(rig, FEW);
    expect_all_ok(FEW);
    cr_assert_eq(handed_over(), 0);
}

Test(handover, nothing_is_handed_over_that_is_not_to_be_shared)
{
    static const char *const overrides[] = {"fetch.per_origin=100",
                                            "server.share_batches=never", NULL};
    remake_rig(overrides);
    start_many("/ok", MANY);
    rig_run(rig, MANY);
    expect_all_ok(MANY);
    cr_assert_eq(handed_over(), 0);
}

Test(handover, a_first_parcel_goes_before_it_is_known_whether_cpus_are_taken)
{
    static const char *const overrides[] = {"fetch.per_origin=100", NULL};
    remake_rig(overrides);
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    cr_assert_gt(handed_over(), 0);
    rig_run(rig, MANY);
    expect_all_ok(MANY);
}

Test(handover, nothing_happens_without_another_worker)
{
    rig_free_peer(rig);
    rig_free(rig);
    rig = rig_new(false, NULL);
    start_many("/ok", MANY);
    rig_run(rig, MANY);
    expect_all_ok(MANY);
    cr_assert_eq(handed_over(), 0);
}

Test(handover, a_worker_with_a_queue_of_its_own_gets_nothing)
{
    struct flow flow = {.caller = rig->flow.caller}; /* a worker's own */
    for (int i = 0; i < FEW; i++) {
        struct rig_call *made = rig_call(rig, "/ok");
        made->call.flow = &flow;
        fetcher_start(rig->peer.fetcher, &made->call);
    }
    fetcher_turn(rig->peer.fetcher); /* tells how much waits */
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    cr_assert_eq(handed_over(), 0);
    rig_run(rig, FEW + MANY);
    expect_all_ok(FEW + MANY);
}

static bool on_dispatch(struct call *call)
{
    (void)call;
    return true;
}

Test(handover, calls_that_need_their_own_worker_stay)
{
    for (int i = 0; i < MANY; i++) {
        struct rig_call *made = rig_call(rig, "/echo");
        made->call.method = METHOD_POST;
        made->call.has_body = i % 2 == 0;
        made->call.body = slice_from("x");
        made->call.on_dispatch = i % 2 == 1 ? on_dispatch : NULL;
        fetcher_start(rig->fetcher, &made->call);
    }
    rig_run(rig, MANY);
    expect_all_ok(MANY);
    cr_assert_eq(handed_over(), 0);
}

Test(handover, nothing_is_handed_over_that_waits_for_slots)
{
    static const char *const overrides[] = {"fetch.per_origin=4",
                                            "server.share_batches=always", NULL};
    remake_rig(overrides);
    start_many("/delay/2", MANY / 2);
    rig_run(rig, MANY / 2);
    cr_assert_eq(handed_over(), 0);
    cr_assert_leq(atomic_load(&rig->server.peak), 4);
}

Test(handover, without_room_for_copies_nothing_is_handed_over)
{
    rig->budgets.request_bytes.max = 0;
    start_many("/ok", MANY);
    rig_run(rig, MANY);
    expect_all_ok(MANY);
    cr_assert_eq(handed_over(), 0);
}

Test(handover, where_places_in_flight_are_scarce_nothing_is_handed_over)
{
    struct budget *scarce[] = {&rig->budgets.in_flight, &rig->flow.caller->in_flight};
    for (int i = 0; i < 2; i++) {
        uint64_t most = scarce[i]->max;
        scarce[i]->max = FEW;
        start_many("/ok", RIG_CALLS / 2);
        rig_run(rig, (i + 1) * (RIG_CALLS / 2));
        scarce[i]->max = most;
        cr_assert_eq(handed_over(), 0);
    }
    expect_all_ok(RIG_CALLS);
}

Test(handover, headers_go_with_the_call_and_come_with_its_outcome)
{
    static const struct call_header header = {.name = {"x-mark", 6},
                                              .value = {"here I am", 9}};
    for (int i = 0; i < MANY; i++) {
        struct rig_call *made = rig_call(rig, "/echo");
        made->call.headers = &header;
        made->call.header_count = 1;
        fetcher_start(rig->fetcher, &made->call);
    }
    rig_run(rig, MANY);
    expect_all_ok(MANY);
    cr_assert_gt(handed_over(), 0);
    for (int i = 0; i < MANY; i++) {
        cr_assert_not_null(strstr(rig->calls[i].body, "here I am"));
        cr_assert_gt(rig->calls[i].header_count, 0);
    }
}

Test(handover, a_trial_of_the_policy_is_noted_once)
{
    static const char *const overrides[] = {
        "egress.mode=report", "server.share_batches=always", "fetch.per_origin=100",
        "egress.deny=[\"127.0.0.1\"]", NULL};
    remake_rig(overrides);
    start_many("/ok", MANY);
    rig_run(rig, MANY);
    expect_all_ok(MANY);
    cr_assert_gt(handed_over(), 0);
    cr_assert_eq(count_of(rig->metrics, "egress_would_refuse_total") +
                     count_of(rig->peer.metrics, "egress_would_refuse_total"),
                 MANY);
}

/* ------------------------------------------------------------------------- how it ends
 */

static void run_until_away_and_waiting(void)
{
    uint64_t until_ms = clock_now_ms() + 5000;
    for (bool is_so = false; !is_so; rig_run_ms(rig, 2)) {
        cr_assert_lt(clock_now_ms(), until_ms);
        for (int i = 0; i < rig->call_count && !is_so; i++)
            is_so = rig->calls[i].call.away &&
                    fetcher_phase(&rig->calls[i].call) == PHASE_WAITING;
    }
}

Test(handover, where_a_call_is_that_is_away_can_be_seen)
{
    start_many("/hang", MANY);
    run_until_away_and_waiting();
    for (int i = 0; i < MANY; i++) {
        struct call *call = &rig->calls[i].call;
        if (!call->away)
            continue;
        cr_assert_not(fetcher_is_untouched(call));
        if (fetcher_phase(call) == PHASE_WAITING)
            cr_assert_geq(fetcher_started_us(call), call->queued_us);
    }
}

Test(handover, its_clocks_run_where_it_is)
{
    for (int i = 0; i < MANY; i++) {
        struct rig_call *made = rig_call(rig, "/hang");
        made->call.timeout_ms = 100;
        fetcher_start(rig->fetcher, &made->call);
    }
    rig_run(rig, MANY);
    cr_assert_gt(handed_over(), 0);
    for (int i = 0; i < MANY; i++) {
        cr_assert_eq(rig->calls[i].code, CALL_TIMEOUT_FIRST_BYTE);
        cr_assert_str_eq(rig->calls[i].message, "no reply within 100 ms");
    }
}

static void run_until_closed(void)
{
    uint64_t until_ms = clock_now_ms() + 5000;
    while (atomic_load(&rig->server.open) > 0) {
        cr_assert_lt(clock_now_ms(), until_ms, "%d connections are open",
                     atomic_load(&rig->server.open));
        rig_run_ms(rig, 2);
    }
}

Test(handover, a_cancelled_call_is_its_owners_at_once_and_its_connection_closed_soon)
{
    start_many("/hang", MANY);
    run_until_away_and_waiting();
    cr_assert_gt(away(), 0);
    for (int i = 0; i < MANY; i++) {
        fetcher_cancel(rig->fetcher, &rig->calls[i].call);
        memset(&rig->calls[i].call, 0, sizeof(struct call));
        memset(rig->calls[i].url, '#', sizeof rig->calls[i].url);
    }
    run_until_closed();
    cr_assert_eq(rig->done, 0);
    cr_assert_eq(fetcher_in_flight(rig->fetcher), 0);
    cr_assert_eq(fetcher_in_flight(rig->peer.fetcher), 0);
    cr_assert_eq(fetcher_queued(rig->peer.fetcher), 0);
    cr_assert_eq(budget_held(&rig->budgets.request_bytes), 0);
}

Test(handover, a_call_cancelled_before_the_parcel_is_opened_is_never_sent)
{
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    int sent = away();
    cr_assert_gt(sent, 0);
    for (int i = 0; i < MANY; i++) {
        if (rig->calls[i].call.away)
            fetcher_cancel(rig->fetcher, &rig->calls[i].call);
    }
    rig_run(rig, MANY - sent);
    rig_run_ms(rig, 20);
    cr_assert_eq(rig->done, MANY - sent);
    cr_assert_eq(atomic_load(&rig->server.requests), MANY - sent);
}

static void cancel_all_others(struct rig_call *made)
{
    for (int i = 0; i < made->rig->call_count; i++)
        fetcher_cancel(made->rig->fetcher, &made->rig->calls[i].call);
}

static void run_until_all_in_the_mail(void)
{
    uint64_t until_ms = clock_now_ms() + 5000;
    while (fetcher_queued(rig->peer.fetcher) + fetcher_in_flight(rig->peer.fetcher) > 0 ||
           atomic_load(&rig->server.requests) == 0) {
        cr_assert_lt(clock_now_ms(), until_ms);
        loop_wait(&rig->peer.loop, 1);
        fetcher_turn(rig->peer.fetcher);
    }
}

Test(handover, a_call_whose_outcome_is_in_the_mail_was_started)
{
    int seen = 0;
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    run_until_all_in_the_mail();
    for (int i = 0; i < MANY; i++) {
        if (!rig->calls[i].call.away)
            continue;
        cr_assert_geq(fetcher_phase(&rig->calls[i].call), PHASE_WAITING);
        cr_assert_gt(fetcher_started_us(&rig->calls[i].call), 0);
        seen++;
    }
    cr_assert_gt(seen, 0);
}

Test(handover, an_outcome_that_comes_for_a_cancelled_call_is_dropped)
{
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    for (int i = 0; i < MANY; i++) {
        if (!rig->calls[i].call.away)
            fetcher_cancel(rig->fetcher, &rig->calls[i].call);
        rig->calls[i].on_end = cancel_all_others;
    }
    cr_assert_gt(away(), 1);
    run_until_all_in_the_mail();
    rig_run_ms(rig, 20);
    cr_assert_eq(rig->done, 1);
    cr_assert_eq(away(), 0);
    cr_assert_eq(budget_held(&rig->budgets.reply_bytes), 0);
    cr_assert_eq(budget_held(&rig->budgets.request_bytes), 0);
}

Test(handover, what_is_under_way_at_the_end_is_dropped_home_first)
{
    start_many("/hang", MANY);
    run_until_away_and_waiting();
    cr_assert_gt(away(), 0); /* rig_free counts what is held */
}

Test(handover, what_is_under_way_at_the_end_is_dropped_host_first)
{
    start_many("/hang", MANY);
    run_until_away_and_waiting();
    rig_free_peer(rig);
    cr_assert_gt(away(), 0);
    for (int i = 0; i < MANY; i += 2) /* as batches do that end with their worker */
        fetcher_cancel(rig->fetcher, &rig->calls[i].call);
}

Test(handover, what_is_in_the_mail_at_the_end_is_dropped)
{
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    fetcher_turn(rig->peer.fetcher);
    for (int i = 0; i < 200; i++) { /* some outcomes are on their way home */
        loop_wait(&rig->peer.loop, 1);
        fetcher_turn(rig->peer.fetcher);
    }
    start_many("/ok", RIG_CALLS - MANY); /* and another parcel on its way out */
    fetcher_turn(rig->fetcher);
    cr_assert_gt(away(), 0);
    for (int i = 0; i < rig->call_count; i += 3)
        fetcher_cancel(rig->fetcher, &rig->calls[i].call);
}
