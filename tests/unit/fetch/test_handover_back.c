/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/handover.h: how calls come back, and how it ends. */
#include "handover_fixture.h"

TestSuite(handover_back, .init = setup, .fini = teardown);

/* Every parcel has been let go of by both. */
static void run_until_nothing_is_held(void)
{
    uint64_t until_ms = clock_now_ms() + 5000;
    do {
        cr_assert_lt(clock_now_ms(), until_ms);
        rig_run_ms(rig, 2);
    } while (budget_held(&rig->budgets.request_bytes) > 0);
}

/* ------------------------------------------------------------ what its host leaves lying
 */

/* The other worker is in the middle of a long turn. */
static void run_home_alone(int done)
{
    uint64_t until_ms = clock_now_ms() + 5000;
    while (rig->done < done) {
        cr_assert_lt(clock_now_ms(), until_ms, "%d of %d calls done", rig->done, done);
        loop_wait(&rig->loop, fetcher_has_work(rig->fetcher) ? 0 : 1000);
        loop_run_due(&rig->loop);
        fetcher_turn(rig->fetcher);
    }
}

Test(handover_back, what_a_busy_host_does_not_start_is_run_at_home)
{
    start_many("/ok", MANY);
    run_home_alone(MANY);
    expect_all_ok(MANY);
    cr_assert_gt(handed_over(), 0);
    run_until_nothing_is_held();
    cr_assert_eq(atomic_load(&rig->server.requests), MANY, "each is sent once");
    cr_assert_eq(fetcher_queued(rig->peer.fetcher), 0);
}

Test(handover_back, what_waits_for_the_hosts_slots_is_run_at_home)
{
    static struct flow flow;
    flow.caller = rig->flow.caller;
    flow.terms = rig->flow.terms;
    for (int i = 0; i < FEW; i++) { /* all of them */
        struct rig_call *made = rig_call(rig, "/hang");
        made->call.flow = &flow;
        made->call.timeout_ms = 60000;
        fetcher_start(rig->peer.fetcher, &made->call);
    }
    while (atomic_load(&rig->server.requests) < FEW)
        rig_run_ms(rig, 2);
    start_many("/ok", MANY);
    rig_run(rig, MANY);
    cr_assert_gt(handed_over(), 0);
    for (int i = FEW; i < FEW + MANY; i++) {
        cr_assert_eq(rig->calls[i].code, CALL_OK);
        cr_assert_eq(rig->calls[i].times_done, 1);
    }
    cr_assert_eq(atomic_load(&rig->server.requests), FEW + MANY);
    for (int i = 0; i < FEW; i++)
        fetcher_cancel(rig->peer.fetcher, &rig->calls[i].call);
}

Test(handover_back, what_came_home_stays_and_goes_first)
{
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    int sent = away();
    cr_assert_gt(sent, 0);
    int first = 0;
    while (!rig->calls[first].call.away)
        first++;
    fetcher_stall(rig->fetcher);
    loop_timer_set(&rig->loop, &rig->fetcher->stall_timer, clock_now_ms() + 60000);
    while (away() > 0) {
        loop_wait(&rig->loop, 10);
        loop_run_due(&rig->loop);
    }
    fetcher_turn(rig->peer.fetcher); /* and it has room again */
    struct pair *pair = rig->flow.recent ? rig->flow.recent : &rig->flow.first;
    struct list *node = pair->calls.next;
    for (int i = 0; i < sent; i++, node = node->next) {
        const struct call *call = container_of(node, struct call, node);
        cr_assert_eq(call, &rig->calls[first + i].call);
    }
    cr_assert_gt(peers()->board.rests_until_ms, rig->loop.now_ms);
    peers()->board.rests_until_ms = 0;
    rig->fetcher->is_stalled = false;
    fetcher_turn(rig->fetcher);
    cr_assert_eq(handed_over(), sent, "some of them wait before the others");
    rig_run(rig, MANY);
    expect_all_ok(MANY);
}

Test(handover_back, a_trial_of_the_policy_is_noted_once_of_what_comes_home)
{
    static const char *const overrides[] = {
        "egress.mode=report", "server.share_batches=always", "fetch.per_origin=100",
        "egress.deny=[\"127.0.0.1\"]", NULL};
    remake_rig(overrides);
    start_many("/ok", MANY);
    run_home_alone(MANY);
    cr_assert_gt(handed_over(), 0);
    cr_assert_eq(count_of(rig->metrics, "egress_would_refuse_total"), MANY);
}

/* ------------------------------------------------------------------------- how it ends
 */

static int started(void)
{
    int count = 0;
    for (int i = 0; i < rig->call_count; i++)
        count += fetcher_started_us(&rig->calls[i].call) > 0;
    return count;
}

Test(handover_back, nothing_of_a_flow_that_is_over_is_sent_by_others)
{
    for (int i = 0; i < MANY; i++) {
        struct rig_call *made = rig_call(rig, "/hang");
        made->call.method = METHOD_POST;
        fetcher_start(rig->fetcher, &made->call);
    }
    fetcher_turn(rig->fetcher);
    fetcher_turn(rig->peer.fetcher);
    int sent = started();
    cr_assert_gt(fetcher_in_flight(rig->peer.fetcher), 0);
    cr_assert_gt(fetcher_queued(rig->peer.fetcher), 0);
    fetcher_end_flow(rig->fetcher, &rig->flow);
    rig_run_ms(rig, 30); /* its owner has much to cancel */
    cr_assert_leq(atomic_load(&rig->server.requests), sent);
    for (int i = 0; i < MANY; i++)
        fetcher_cancel(rig->fetcher, &rig->calls[i].call);
    run_until_nothing_is_held();
    cr_assert_eq(fetcher_queued(rig->peer.fetcher), 0);
}

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

Test(handover_back, where_a_call_is_that_is_away_can_be_seen)
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

Test(handover_back, its_clocks_run_where_it_is)
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
    while (atomic_load(&rig->server.open) > 0 || fetcher_in_flight(rig->fetcher) > 0 ||
           fetcher_in_flight(rig->peer.fetcher) > 0) {
        cr_assert_lt(clock_now_ms(), until_ms, "%d connections are open",
                     atomic_load(&rig->server.open));
        rig_run_ms(rig, 2);
    }
}

Test(handover_back, a_cancelled_call_is_its_owners_at_once_and_its_connection_closed_soon)
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

Test(handover_back, a_call_cancelled_before_the_parcel_is_opened_is_never_sent)
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

Test(handover_back, a_call_whose_outcome_is_in_the_mail_was_started)
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

/* As if the host had had no memory for it. */
Test(handover_back, an_outcome_that_was_lost_does_not_say_that_nothing_was_sent)
{
    int lost = 0;
    start_many("/ok", MANY);
    fetcher_turn(rig->fetcher);
    run_until_all_in_the_mail();
    for (int i = 0; i < MANY; i++) {
        struct call *call = &rig->calls[i].call;
        struct guest *guest = call->away ? guest_of(call->away) : NULL;
        if (!guest || !guest->result)
            continue;
        guest_drop_result(guest, &rig->budgets.reply_bytes);
        lost++;
    }
    cr_assert_gt(lost, 0);
    run_until_nothing_is_held();
    for (int i = 0; i < MANY; i++) {
        const struct call_code_row *row = call_code_row(rig->calls[i].code);
        if (rig->calls[i].times_done == 0 || rig->calls[i].code == CALL_OK)
            continue;
        cr_expect_not(row->is_unsent, "%s", row->name);
        cr_expect_str_eq(rig->calls[i].message,
                         "the gateway has no memory for the reply");
        lost--;
    }
    cr_expect_eq(lost, 0);
    cr_expect_eq(budget_held(&rig->budgets.reply_bytes), 0);
}

Test(handover_back, an_outcome_that_comes_for_a_cancelled_call_is_dropped)
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
    run_until_nothing_is_held();
    cr_assert_eq(rig->done, 1);
    cr_assert_eq(away(), 0);
    cr_assert_eq(budget_held(&rig->budgets.reply_bytes), 0);
}

Test(handover_back, what_is_under_way_at_the_end_is_dropped_home_first)
{
    start_many("/hang", MANY);
    run_until_away_and_waiting();
    cr_assert_gt(away(), 0); /* rig_free counts what is held */
}

Test(handover_back, what_is_under_way_at_the_end_is_dropped_host_first)
{
    start_many("/hang", MANY);
    run_until_away_and_waiting();
    rig_free_peer(rig);
    cr_assert_gt(away(), 0);
    for (int i = 0; i < MANY; i += 2) /* as batches do that end with their worker */
        fetcher_cancel(rig->fetcher, &rig->calls[i].call);
}

Test(handover_back, what_is_in_the_mail_at_the_end_is_dropped)
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
