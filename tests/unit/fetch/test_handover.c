/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/handover.h: what is handed over, to whom, and what not. */
#include "handover_fixture.h"

#include <pthread.h>

TestSuite(handover, .init = setup, .fini = teardown);

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
    double own = runs(rig->metrics), peers_runs = runs(rig->peer.metrics);
    cr_assert_eq(own + peers_runs, MANY);
    cr_assert_gt(peers_runs, 0);
    cr_assert_leq(peers_runs, handed_over(), "what came home again is not among them");
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
    struct flow flow = {.caller = rig->flow.caller,
                        .terms = rig->flow.terms}; /* a worker's own */
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

Test(handover, a_worker_that_cannot_start_what_it_has_gets_nothing)
{
    fetcher_stall(rig->peer.fetcher);
    fetcher_turn(rig->peer.fetcher);
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    cr_assert_eq(handed_over(), 0);
    rig_run(rig, MANY);
    expect_all_ok(MANY);
}

Test(handover, a_worker_whose_calls_wait_for_slots_gets_nothing)
{
    static struct flow flow;
    flow.caller = rig->flow.caller;
    flow.terms = rig->flow.terms;
    for (int i = 0; i < FEW + 5; i++) {
        struct rig_call *made = rig_call(rig, "/hang");
        made->call.flow = &flow;
        fetcher_start(rig->peer.fetcher, &made->call);
    }
    while (schedule_has_next(rig->peer.fetcher->schedule))
        fetcher_turn(rig->peer.fetcher);
    cr_assert_eq(fetcher_queued(rig->peer.fetcher), 5);
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    cr_assert_eq(handed_over(), 0);
    for (int i = 0; i < FEW + 5; i++)
        fetcher_cancel(rig->peer.fetcher, &rig->calls[i].call);
    rig_run(rig, MANY);
}

Test(handover, nothing_of_a_flow_that_is_over_is_handed_over)
{
    start_many("/ok", MANY);
    fetcher_end_flow(rig->fetcher, &rig->flow);
    fetcher_turn(rig->fetcher);
    cr_assert_eq(handed_over(), 0);
}

static void *reserve_many(void *count)
{
    for (int i = 0; i < 1000; i++)
        *(size_t *)count += handover_reserve(peers(), 1, 0);
    return NULL;
}

Test(handover, homes_that_ask_at_once_send_no_more_than_one_alone)
{
    enum { HOMES = 4 };
    pthread_t threads[HOMES];
    size_t counts[HOMES] = {0};
    for (int i = 0; i < HOMES; i++)
        pthread_create(&threads[i], NULL, reserve_many, &counts[i]);
    for (int i = 0; i < HOMES; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(counts[0] + counts[1] + counts[2] + counts[3], 32);
}

Test(handover, a_parcel_is_on_its_way_until_what_waits_is_told)
{
    cr_assert(handover_reserve(peers(), 64, 0));
    cr_assert_not(handover_reserve(peers(), 1, 0));
    peers()->opened = 64;
    fetcher_turn(rig->peer.fetcher);
    cr_assert(handover_reserve(peers(), 1, 0));
    handover_unreserve(peers(), 1);
    cr_assert_eq(peers()->board.coming, 0);
}

Test(handover, a_host_that_rests_is_sent_nothing)
{
    handover_rest(peers(), 1000);
    cr_assert_not(handover_reserve(peers(), 1, 1019));
    cr_assert(handover_reserve(peers(), 1, 1020));
}

Test(handover, a_call_is_started_by_its_host_or_comes_home_not_both)
{
    struct guest guest = {0};
    cr_assert(guest_start(&guest));
    cr_assert(guest_start(&guest), "it found no socket, and has its slot again");
    cr_assert_not(guest_recall(&guest));
    struct guest other = {0};
    cr_assert(guest_recall(&other));
    cr_assert_not(guest_recall(&other));
    cr_assert_not(guest_start(&other));
}

Test(handover, what_a_call_waited_at_home_is_no_delay_of_its_host)
{
    start_many("/hang", MANY);
    for (int i = 0; i < MANY; i++)
        rig->calls[i].call.queued_us -= 10 * 1000 * 1000;
    fetcher_turn(rig->fetcher);
    fetcher_turn(rig->peer.fetcher);
    cr_assert_gt(fetcher_queued(rig->peer.fetcher), 0);
    cr_assert_lt(fetcher_delay(rig->peer.fetcher).oldest_us, 5 * 1000 * 1000);
    cr_assert_lt(fetcher_delay(rig->peer.fetcher).round_us, 100 * 1000);
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
