/* SPDX-License-Identifier: Apache-2.0 */
/* Coalesced calls that leave: by their own clocks, cancelled, or while others are told.
 */
#include "coalesce_fixture.h"

#include "base/clock.h"

#include <unistd.h>

TestSuite(fetcher_coalesce_leave, .init = setup, .fini = teardown);

/* ----------------------------------------------------------------- each its own clock */

Test(fetcher_coalesce_leave, one_that_gives_up_early_does_not_end_the_others)
{
    struct rig_call *hasty = make("/delay/500"), *patient = make("/delay/500");
    hasty->call.timeout_ms = 50;
    fetcher_start(rig->fetcher, &hasty->call);
    fetcher_start(rig->fetcher, &patient->call);
    rig_run(rig, 1);
    cr_assert_eq(hasty->code, CALL_TIMEOUT_FIRST_BYTE);
    cr_assert_str_eq(hasty->message, "no reply within 50 ms");
    cr_assert_geq(hasty->timing.total, 49); /* clocks are whole milliseconds */
    rig_run(rig, 2);
    cr_assert_eq(patient->code, CALL_OK);
    cr_assert_eq(requests(), 1);
}

Test(fetcher_coalesce_leave, the_clock_of_one_that_comes_late_starts_when_it_comes)
{
    start("/delay/700");
    rig_run_ms(rig, 100);
    struct rig_call *late = make("/delay/700");
    late->call.timeout_ms = 80;
    fetcher_start(rig->fetcher, &late->call);
    rig_run(rig, 1);
    cr_assert_eq(late->code, CALL_TIMEOUT_FIRST_BYTE);
    cr_assert_geq(late->timing.total, 79);
    rig_run(rig, 2);
}

Test(fetcher_coalesce_leave, waiting_for_a_slot_does_not_count)
{
    allow_one_at_once();
    rig_start(rig, "/delay/600");
    run_until_running(1);
    struct rig_call *queued = make("/ok"), *also = make("/ok");
    queued->call.timeout_ms = 300;
    also->call.timeout_ms = 300;
    fetcher_start(rig->fetcher, &queued->call);
    fetcher_start(rig->fetcher, &also->call);
    rig_run(rig, 3);
    cr_assert_eq(queued->code, CALL_OK, "%s", queued->message);
    cr_assert_eq(also->code, CALL_OK);
    cr_assert_geq(queued->timing.blocked, 299);
    cr_assert_eq(requests(), 2);
}

/* It is not sent after its deadline; but whose? */
Test(fetcher_coalesce_leave, the_latest_deadline_is_the_shared_calls)
{
    allow_one_at_once();
    rig_start(rig, "/delay/300");
    run_until_running(1);
    struct rig_call *urgent = make("/ok"), *patient = make("/ok");
    urgent->call.deadline_ms = clock_now_ms() + 50;
    fetcher_start(rig->fetcher, &urgent->call);
    fetcher_start(rig->fetcher, &patient->call);
    rig_run(rig, 3);
    cr_assert_eq(patient->code, CALL_OK, "%s", patient->message);
    cr_assert_eq(requests(), 2);
}

Test(fetcher_coalesce_leave, when_all_gave_up_the_request_is_dropped)
{
    for (int i = 0; i < 3; i++) {
        struct rig_call *call = make("/hang");
        call->call.timeout_ms = 50;
        fetcher_start(rig->fetcher, &call->call);
    }
    rig_run(rig, 3);
    run_until_running(0);
    cr_assert_eq(fetcher_in_flight(rig->fetcher), 0);
}

Test(fetcher_coalesce_leave, the_gateways_own_clock_ends_it_for_all)
{
    static const char *const overrides[] = {"fetch.first_byte_timeout=100ms", NULL};
    rig_free(rig);
    rig = rig_new(false, overrides);
    start("/hang");
    start("/hang");
    rig_run(rig, 2);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(rig->calls[i].code, CALL_TIMEOUT_FIRST_BYTE);
        cr_assert_str_eq(rig->calls[i].message, "no reply within 100 ms");
    }
}

/* ---------------------------------------------------------------------------- leaving */

Test(fetcher_coalesce_leave, the_first_can_be_cancelled_and_the_others_go_on)
{
    struct rig_call *first = start("/delay/200"), *second = start("/delay/200"),
                    *third = start("/delay/200");
    run_until_running(1);
    fetcher_cancel(rig->fetcher, &first->call);
    memset(first, 'x', offsetof(struct rig_call, times_done)); /* it was the owner's */
    rig_run(rig, 2);
    cr_assert_eq(second->code, CALL_OK);
    cr_assert_eq(third->code, CALL_OK);
    cr_assert_eq(first->times_done, 0);
    cr_assert_eq(requests(), 1);
}

Test(fetcher_coalesce_leave, the_last_one_that_is_cancelled_ends_the_request)
{
    struct rig_call *first = start("/hang"), *second = start("/hang");
    run_until_running(1);
    fetcher_cancel(rig->fetcher, &second->call);
    fetcher_cancel(rig->fetcher, &second->call);
    rig_run_ms(rig, 20);
    cr_assert_eq(atomic_load(&rig->server.running), 1);
    fetcher_cancel(rig->fetcher, &first->call);
    run_until_running(0);
    cr_assert_eq(fetcher_in_flight(rig->fetcher), 0);
}

static struct rig_call *queue_first(struct flow *flow)
{
    allow_one_at_once();
    *flow = (struct flow){.caller = rig->flow.caller, .terms = rig->flow.terms};
    rig_start(rig, "/delay/200");
    run_until_running(1);
    struct rig_call *first = make("/ok");
    first->call.flow = flow;
    fetcher_start(rig->fetcher, &first->call);
    return first;
}

/* Each in a flow of its own, as calls of different batches are: what is queued goes on
 * in the turn of who is left. */
Test(fetcher_coalesce_leave, the_first_flow_may_go_while_the_call_is_queued)
{
    struct flow own;
    struct rig_call *first = queue_first(&own), *second = start("/ok");
    rig_run_ms(rig, 20);
    cr_assert_eq(own.waiting, 1);
    fetcher_cancel(rig->fetcher, &first->call);
    cr_assert_eq(own.waiting, 0);
    memset(&own, 'x', sizeof own);
    cr_assert_eq(fetcher_queued(rig->fetcher), 1);
    rig_run(rig, 2);
    cr_assert_eq(second->code, CALL_OK);
    cr_assert_eq(requests(), 2);
}

/* A large batch that ends abandons its items over several turns, in which nothing of it
 * is sent; what others wait for is. */
Test(fetcher_coalesce_leave, the_first_flow_may_be_over_when_the_call_gets_its_slot)
{
    struct flow own;
    struct rig_call *first = queue_first(&own), *second = start("/ok");
    fetcher_end_flow(rig->fetcher, &own);
    while (fetcher_queued(rig->fetcher) > 0)
        rig_run_ms(rig, 5);
    fetcher_cancel(rig->fetcher, &first->call);
    memset(&own, 'x', sizeof own);
    rig_run(rig, 2);
    cr_assert_eq(second->code, CALL_OK);
}

Test(fetcher_coalesce_leave, the_first_flow_may_go_before_a_redirect)
{
    char path[128];
    struct flow own = {.caller = rig->flow.caller, .terms = rig->flow.terms};
    snprintf(path, sizeof path, "/to/302/http://127.0.0.1:%u/delay/50", rig->server.port);
    struct rig_call *first = make(path), *second = make(path);
    first->call.flow = &own;
    first->call.redirects = second->call.redirects = 1;
    fetcher_start(rig->fetcher, &first->call);
    fetcher_start(rig->fetcher, &second->call);
    rig_run_ms(rig, 2);
    fetcher_cancel(rig->fetcher, &first->call);
    memset(&own, 'x', sizeof own);
    rig_run(rig, 1);
    cr_assert_str_eq(second->body, "late");
}

struct canceller {
    struct timer timer;
    struct rig_call *victim;
};

static void cancel_victim(struct timer *timer)
{
    struct rig_call *victim = container_of(timer, struct canceller, timer)->victim;
    fetcher_cancel(victim->rig->fetcher, &victim->call);
}

/* Its batch ends in the very turn, after its clock and before it is told. */
Test(fetcher_coalesce_leave, one_whose_time_is_over_can_still_be_cancelled)
{
    struct rig_call *call = make("/delay/600"), *other = start("/delay/600");
    call->call.timeout_ms = 150;
    fetcher_start(rig->fetcher, &call->call);
    run_until_running(1);
    struct canceller canceller = {.timer.on_due = cancel_victim, .victim = call};
    loop_timer_set(&rig->loop, &canceller.timer, rig->loop.now_ms + 160);
    usleep(250 * 1000); /* both are due in the next turn */
    rig_run(rig, 1);
    cr_assert_eq(other->code, CALL_OK);
    cr_assert_eq(call->times_done, 0);
    memset(&call->call, 0, sizeof call->call);
}

static struct rig_call *others[8];
static int other_count;

static void cancel_others(struct rig_call *call)
{
    for (int i = 0; i < other_count; i++)
        fetcher_cancel(call->rig->fetcher, &others[i]->call);
}

Test(fetcher_coalesce_leave, one_that_is_told_may_cancel_the_others)
{
    struct rig_call *first = start("/delay/50");
    first->on_end = cancel_others;
    for (other_count = 0; other_count < 5; other_count++)
        others[other_count] = start("/delay/50");
    rig_run(rig, 1);
    rig_run_ms(rig, 50);
    for (int i = 0; i < other_count; i++)
        cr_assert_eq(others[i]->times_done, 0);
    cr_assert_eq(fetcher_in_flight(rig->fetcher), 0);
}

static void start_again(struct rig_call *call)
{
    call->on_end = NULL;
    fetcher_start(call->rig->fetcher, &call->call);
}

Test(fetcher_coalesce_leave, one_that_is_told_may_ask_again_and_gets_a_new_reply)
{
    struct rig_call *first = start("/conn"), *second = start("/conn");
    first->on_end = start_again;
    rig_run(rig, 3);
    cr_assert_str_eq(second->body, "0/1");
    cr_assert_str_eq(first->body, "0/2");
    cr_assert_eq(first->times_done, 2);
}

Test(fetcher_coalesce_leave, a_call_says_the_phase_of_the_one_it_waits_for)
{
    struct rig_call *call = start("/hang");
    cr_assert_eq(fetcher_phase(&call->call), PHASE_QUEUED);
    cr_assert_eq(fetcher_started_us(&call->call), 0);
    run_until_running(1);
    struct rig_call *late = start("/hang");
    cr_assert_eq(fetcher_phase(&call->call), PHASE_WAITING);
    cr_assert_gt(fetcher_started_us(&call->call), 0);
    cr_assert_eq(fetcher_started_us(&late->call), late->call.queued_us);
    fetcher_cancel(rig->fetcher, &late->call);
    fetcher_cancel(rig->fetcher, &call->call);
    cr_assert_eq(fetcher_phase(&call->call), PHASE_IDLE);
}

/* Leaks, and timers left, show in teardown. */
Test(fetcher_coalesce_leave, all_can_be_dropped_at_any_moment)
{
    static const unsigned pauses_ms[] = {0, 1, 5, 30, 60};
    for (size_t n = 0; n < sizeof pauses_ms / sizeof *pauses_ms; n++) {
        for (int i = 0; i < 4; i++) {
            start("/delay/40");
            start("/hang");
        }
        rig_run_ms(rig, pauses_ms[n]);
        rig_free(rig);
        setup();
    }
}
