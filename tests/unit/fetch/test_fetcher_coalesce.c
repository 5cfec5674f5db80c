/* SPDX-License-Identifier: Apache-2.0 */
/* Coalesced calls: which share one request, and what each of them gets of it. */
#include "coalesce_fixture.h"

TestSuite(fetcher_coalesce, .init = setup, .fini = teardown);

Test(fetcher_coalesce, equal_calls_share_one_request_and_all_are_answered)
{
    for (int i = 0; i < 10; i++)
        start("/delay/50");
    rig_run(rig, 10);
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(rig->calls[i].code, CALL_OK);
        cr_assert_eq(rig->calls[i].status, 200);
        cr_assert_str_eq(rig->calls[i].body, "late");
        cr_assert(rig->calls[i].is_coalesced);
        cr_assert_eq(rig->calls[i].times_done, 1);
    }
    cr_assert_eq(requests(), 1);
}

Test(fetcher_coalesce, a_call_that_shared_with_nobody_is_not_marked)
{
    struct rig_call *call = start("/ok");
    rig_run(rig, 1);
    cr_assert_eq(call->code, CALL_OK);
    cr_assert_not(call->is_coalesced);
}

Test(fetcher_coalesce, one_that_comes_while_the_request_runs_joins_it)
{
    struct rig_call *first = start("/delay/200");
    run_until_running(1);
    struct rig_call *late = start("/delay/200");
    rig_run(rig, 2);
    cr_assert_eq(requests(), 1);
    cr_assert(first->is_coalesced && late->is_coalesced);
    cr_assert_lt(late->timing.total, first->timing.total);
    cr_assert_eq(late->timing.blocked, 0);
}

Test(fetcher_coalesce, one_that_comes_when_it_is_over_is_a_request_of_its_own)
{
    start("/ok");
    rig_run(rig, 1);
    start("/ok");
    rig_run(rig, 2);
    cr_assert_eq(requests(), 2);
}

Test(fetcher_coalesce, calls_that_do_not_ask_for_it_share_nothing)
{
    start("/delay/50");
    rig_start(rig, "/delay/50");
    rig_start(rig, "/delay/50");
    rig_run(rig, 3);
    cr_assert_eq(requests(), 3);
}

Test(fetcher_coalesce, what_differs_is_not_shared)
{
    static const struct call_header header[] = {{.name = {"a", 1}, .value = {"b", 1}}};
    start("/delay/50");
    struct rig_call *call = make("/delay/50");
    call->call.headers = header;
    call->call.header_count = 1;
    fetcher_start(rig->fetcher, &call->call);
    call = make("/delay/50");
    call->call.method = METHOD_HEAD;
    fetcher_start(rig->fetcher, &call->call);
    call = make("/delay/50");
    call->call.body_max_bytes--;
    fetcher_start(rig->fetcher, &call->call);
    start("/delay/51");
    rig_run(rig, 5);
    cr_assert_eq(requests(), 5);
}

Test(fetcher_coalesce, what_changes_something_is_not_shared)
{
    for (int i = 0; i < 2; i++) {
        struct rig_call *call = make("/delay/50");
        call->call.method = METHOD_POST;
        fetcher_start(rig->fetcher, &call->call);
    }
    rig_run(rig, 2);
    cr_assert_eq(requests(), 2);
}

Test(fetcher_coalesce, l13_two_callers_never_share)
{
    struct caller other = *rig->flow.caller;
    struct flow flow = {.caller = &other, .terms = rig->flow.terms};
    struct rig_call *mine = start("/delay/50"), *theirs = make("/delay/50");
    theirs->call.flow = &flow;
    fetcher_start(rig->fetcher, &theirs->call);
    rig_run(rig, 2);
    cr_assert_eq(requests(), 2);
    cr_assert_not(mine->is_coalesced || theirs->is_coalesced);
}

Test(fetcher_coalesce, headers_are_copied_and_sent)
{
    char name[] = "x-one", value[] = "two";
    struct call_header header[] = {{.name = {name, 5}, .value = {value, 3}}};
    struct rig_call *call = make("/echo");
    call->call.headers = header;
    call->call.header_count = 1;
    fetcher_start(rig->fetcher, &call->call);
    memset(call->url, 'x', 20); /* the shared call has its own */
    memset(name, 'y', 5);
    memset(value, 'z', 3);
    rig_run(rig, 1);
    cr_assert(strstr(call->body, "x-one: two") != NULL, "%s", call->body);
}

Test(fetcher_coalesce, redirects_are_followed_for_all)
{
    char path[128];
    snprintf(path, sizeof path, "/to/302/http://127.0.0.1:%u/ok", rig->server.port);
    for (int i = 0; i < 3; i++) {
        struct rig_call *call = make(path);
        call->call.redirects = 1;
        fetcher_start(rig->fetcher, &call->call);
    }
    rig_run(rig, 3);
    cr_assert_eq(requests(), 2);
    for (int i = 0; i < 3; i++)
        cr_assert_str_eq(rig->calls[i].body, "ok");
}

Test(fetcher_coalesce, failures_are_everybodys)
{
    for (int i = 0; i < 3; i++)
        start("/close");
    for (int i = 0; i < 3; i++)
        start("http://user@host/");
    rig_run(rig, 6);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(rig->calls[i].code, CALL_EMPTY_REPLY);
        cr_assert_neq(rig->calls[i].message[0], '\0');
        cr_assert_eq(rig->calls[3 + i].code, CALL_BAD_URL);
    }
}

Test(fetcher_coalesce, never_ends_a_call_inside_of_start)
{
    struct rig_call *bad = start("http://user@host/"), *also = start("http://user@host/");
    cr_assert_eq(bad->times_done + also->times_done, 0);
    rig_run(rig, 2);
}

Test(fetcher_coalesce, many_are_answered_over_several_turns)
{
    for (int i = 0; i < RIG_CALLS; i++)
        start(i % 2 ? "/bytes/4000" : "/ok");
    rig_run(rig, RIG_CALLS);
    cr_assert_eq(requests(), 2);
    for (int i = 0; i < RIG_CALLS; i++)
        cr_assert_eq(rig->calls[i].body_len, i % 2 ? 4000 : 2);
}

Test(fetcher_coalesce, without_room_for_its_copy_a_call_goes_alone)
{
    rig->budgets.request_bytes.max = 100;
    start("/ok");
    start("/ok");
    rig_run(rig, 2);
    cr_assert_eq(requests(), 2);
    cr_assert_not(rig->calls[0].is_coalesced);
}
