/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/fetcher.h on a real loop against a real socket: what is sent, what comes back,
 * and that every call ends exactly once or is cancelled. */
#include "fetch_rig.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct rig *rig;

static void use(const char *const *overrides)
{
    rig = rig_new(false, overrides);
}

static void setup(void)
{
    use(NULL);
}

static void teardown(void)
{
    rig_free(rig);
}

TestSuite(fetcher, .init = setup, .fini = teardown);

/* ------------------------------------------------------------------------- replies */

Test(fetcher, fetches_and_reports_status_body_and_timing)
{
    struct rig_call *call = rig_fetch(rig, "/ok");
    cr_assert_eq(call->code, CALL_OK);
    cr_assert_eq(call->status, 200);
    cr_assert_str_eq(call->body, "ok");
    cr_assert_eq(call->header_count, 1);
    cr_assert_str_eq(call->timing.http_version, "1.1");
    cr_assert_eq(call->timing.bytes, 2);
    cr_assert_geq(call->timing.connect, 0);
    cr_assert_geq(call->timing.wait, 0);
    cr_assert_eq(call->timing.ssl, -1);
    cr_assert_geq(call->timing.total, call->timing.wait);
}

Test(fetcher, never_ends_a_call_inside_of_start)
{
    struct rig_call *bad = rig_start(rig, "http://user@host/");
    struct rig_call *good = rig_start(rig, "/ok");
    cr_assert_eq(bad->times_done, 0);
    cr_assert_eq(good->times_done, 0);
    rig_run(rig, 2);
    cr_assert_eq(bad->code, CALL_BAD_URL);
    cr_assert_eq(good->code, CALL_OK);
}

Test(fetcher, reuses_connections)
{
    cr_assert_str_eq(rig_fetch(rig, "/conn")->body, "0/1");
    struct rig_call *second = rig_fetch(rig, "/conn");
    cr_assert_str_eq(second->body, "0/2");
    cr_assert(second->timing.is_reused);
    cr_assert_eq(second->timing.connect, -1);
}

/* libcurl finds an idle connection only where it is: in its own lane. */
Test(fetcher, reuses_connections_in_whatever_order_origins_come)
{
    enum { EACH = 70 }; /* more than a lane holds */
    char other[64];
    snprintf(other, sizeof other, "http://localhost:%u/delay/300", rig->server.port);
    for (int i = 0; i < 2 * EACH; i++)
        rig_start(rig, i < EACH ? "/delay/300" : other);
    rig_run(rig, 2 * EACH);
    for (int i = 0; i < 2 * EACH; i++)
        rig_start(rig, i < EACH ? other : "/delay/300");
    rig_run(rig, 4 * EACH);
    /* On a machine that stalls, a call of the first half may find another's connection
     * idle already: what it does not open, one of the second half may. */
    int opened = 0;
    for (int i = 0; i < rig->call_count; i++) {
        cr_assert_eq(rig->calls[i].code, CALL_OK, "%s", rig->calls[i].message);
        opened += !rig->calls[i].timing.is_reused;
    }
    cr_assert_eq(rig->call_count, 4 * EACH);
    cr_assert_leq(opened, 2 * EACH);
}

Test(fetcher, runs_calls_at_the_same_time)
{
    uint64_t began_ms = clock_now_ms();
    for (int i = 0; i < 50; i++)
        rig_start(rig, "/delay/100");
    rig_run(rig, 50);
    cr_assert_lt(clock_now_ms() - began_ms, 2500); /* in turns: 5000 */
    for (int i = 0; i < 50; i++)
        cr_assert_str_eq(rig->calls[i].body, "late");
}

Test(fetcher, calls_more_than_a_lane_holds_all_end)
{
    for (int i = 0; i < 200; i++)
        rig_start(rig, "/delay/50");
    rig_run(rig, 200);
    for (int i = 0; i < 200; i++)
        cr_assert_eq(rig->calls[i].code, CALL_OK);
    cr_assert_eq(fetcher_in_flight(rig->fetcher), 0);
    cr_assert_eq(fetcher_queued(rig->fetcher), 0);
}

/* One handle serves them all in turn, so anything left over from one would show in the
 * next. */
Test(fetcher, nothing_of_a_request_leaks_into_the_next_on_the_same_handle)
{
    static const struct call_header secret[] = {
        {.name = {"x-secret", 8}, .value = {"s", 1}},
        {.name = {"x-none", 6}, .value = {"", 0}}};
    enum { KINDS = METHOD_COUNT * 2 };
    int number = 0;
    for (int first = 0; first < KINDS; first++) {
        for (int second = 0; second < KINDS; second++) {
            int kinds[2] = {first, second};
            for (int i = 0; i < 2; i++) {
                struct rig_call *made = rig_call(rig, "/echo");
                made->call.method = (enum call_method)(kinds[i] % METHOD_COUNT);
                bool is_full =
                    kinds[i] >= METHOD_COUNT && made->call.method != METHOD_HEAD;
                made->call.has_body = is_full;
                made->call.body = is_full ? slice_from("body text") : slice_make(NULL, 0);
                made->call.headers = is_full ? secret : NULL;
                made->call.header_count = is_full ? 2 : 0;
                fetcher_start(rig->fetcher, &made->call);
                rig_run(rig, ++number);
                cr_assert_eq(made->code, CALL_OK, "%s", made->message);
                if (made->call.method == METHOD_HEAD) {
                    cr_assert_eq(made->body_len, 0);
                    continue;
                }
                const char *name = call_method_name(made->call.method);
                cr_assert_eq(strncmp(made->body, name, strlen(name)), 0, "%s",
                             made->body);
                cr_assert_eq(strstr(made->body, "body text") != NULL, is_full, "%s",
                             made->body);
                cr_assert_eq(strstr(made->body, "x-secret: s") != NULL, is_full);
                cr_assert_eq(strstr(made->body, "x-none:") != NULL, is_full, "%s",
                             made->body);
                cr_assert_null(strcasestr(made->body, "content-type"), "%s", made->body);
                cr_assert_null(strcasestr(made->body, "expect"), "%s", made->body);
                bool has_length = is_full || made->call.method == METHOD_POST ||
                                  made->call.method == METHOD_PUT ||
                                  made->call.method == METHOD_PATCH;
                cr_assert_eq(strcasestr(made->body, "content-length") != NULL, has_length,
                             "%s", made->body);
            }
            rig->call_count = 0;
        }
    }
    cr_assert_eq(atomic_load(&rig->server.connections), 1);
}

Test(fetcher, the_callers_user_agent_and_content_type_win)
{
    static const struct call_header headers[] = {
        {.name = {"User-Agent", 10}, .value = {"mine", 4}},
        {.name = {"content-type", 12}, .value = {"a/b", 3}}};
    struct rig_call *made = rig_call(rig, "/echo");
    made->call.method = METHOD_POST;
    made->call.has_body = true;
    made->call.body = slice_from("x");
    made->call.headers = headers;
    made->call.header_count = 2;
    fetcher_start(rig->fetcher, &made->call);
    rig_run(rig, 1);
    cr_assert_not_null(strstr(made->body, "User-Agent: mine\r\n"), "%s", made->body);
    cr_assert_null(strstr(made->body, "gatherd"), "%s", made->body);
    cr_assert_not_null(strstr(made->body, "content-type: a/b\r\n"), "%s", made->body);
    cr_assert_null(strstr(made->body, "urlencoded"), "%s", made->body);
}

Test(fetcher, sends_a_large_body_whole)
{
    static char body[300000];
    memset(body, 'z', sizeof body);
    struct rig_call *made = rig_call(rig, "/echo");
    made->call.method = METHOD_PUT;
    made->call.has_body = true;
    made->call.body = slice_make(body, sizeof body);
    fetcher_start(rig->fetcher, &made->call);
    rig_run(rig, 1);
    cr_assert_eq(made->code, CALL_OK);
    cr_assert_not_null(strcasestr(made->body, "content-length: 300000\r\n"));
    cr_assert_gt(made->body_len, 60000);
}

/* -------------------------------------------------------------------------- ceilings */

Test(fetcher, a_body_over_the_cap_fails_its_own_call_only)
{
    struct rig_call *large = rig_call(rig, "/bytes/2000");
    large->call.body_max_bytes = 1999;
    fetcher_start(rig->fetcher, &large->call);
    struct rig_call *fits = rig_call(rig, "/bytes/2000");
    fits->call.body_max_bytes = 2000;
    fetcher_start(rig->fetcher, &fits->call);
    rig_run(rig, 2);
    cr_assert_eq(large->code, CALL_TOO_LARGE);
    cr_assert_eq(large->status, 0);
    cr_assert_eq(fits->code, CALL_OK);
    cr_assert_eq(fits->body_len, 2000);
}

Test(fetcher, bodies_held_are_bounded_for_the_process)
{
    rig->budgets.reply_bytes.max = 256 * 1024;
    cr_assert_eq(rig_fetch(rig, "/bytes/1000000")->code, CALL_TOO_LARGE);
    cr_assert_eq(rig_fetch(rig, "/bytes/100000")->code, CALL_OK);
}

Test(fetcher, a_header_over_the_cap_is_refused)
{
    cr_assert_eq(rig_fetch(rig, "/head/60000")->code, CALL_OK);
    cr_assert_eq(rig_fetch(rig, "/head/70000")->code, CALL_HEADERS_TOO_LARGE);
    cr_assert_eq(rig_fetch(rig, "/head/200000")->code, CALL_HEADERS_TOO_LARGE);
}

Test(fetcher, an_ambiguous_reply_is_refused)
{
    cr_assert_eq(rig_fetch(rig, "/dup-length")->code, CALL_BAD_REPLY);
}

/* -------------------------------------------------------------- sent once or again */

static struct rig_call *post(const char *path, const char *body)
{
    struct rig_call *made = rig_call(rig, path);
    made->call.method = METHOD_POST;
    made->call.has_body = body != NULL;
    made->call.body = slice_from(body);
    fetcher_start(rig->fetcher, &made->call);
    rig_run(rig, rig->done + 1);
    return made;
}

Test(fetcher, a_post_is_never_sent_twice)
{
    cr_assert_eq(post("/stale", "body")->code, CALL_OK);
    cr_assert_eq(post("/stale", "body")->code, CALL_MAYBE_SENT);
    cr_assert_eq(atomic_load(&rig->server.posts), 2);
}

Test(fetcher, a_post_without_a_body_is_never_sent_twice)
{
    cr_assert_eq(post("/stale", NULL)->code, CALL_OK);
    cr_assert_eq(post("/stale", NULL)->code, CALL_MAYBE_SENT);
    cr_assert_eq(post("/stale", "")->code, CALL_OK);
    cr_assert_eq(post("/stale", "")->code, CALL_MAYBE_SENT);
    cr_assert_eq(atomic_load(&rig->server.posts), 4);
}

Test(fetcher, a_post_that_died_is_not_reported_as_never_connected)
{
    cr_assert_eq(post("/stale", "body")->code, CALL_OK);
    /* libcurl dials again at once, and nobody listens any more. */
    shutdown(rig->server.fd, SHUT_RDWR);
    cr_assert_eq(post("/stale", "body")->code, CALL_MAYBE_SENT);
}

Test(fetcher, a_post_that_died_is_not_queued_again_for_want_of_a_socket)
{
    cr_assert_eq(post("/stale", "body")->code, CALL_OK);
    rig->budgets.sockets.max = 0;
    cr_assert_eq(post("/stale", "body")->code, CALL_MAYBE_SENT);
    cr_assert_eq(atomic_load(&rig->server.posts), 2);
}

Test(fetcher, a_get_is_sent_twice_at_most)
{
    for (int i = 0; i < 8; i++)
        rig_start(rig, "/delay/30");
    rig_run(rig, 8); /* eight connections that are stale for what follows */
    int before = atomic_load(&rig->server.requests);
    cr_assert_str_eq(rig_fetch(rig, "/stale")->body, "first");
    cr_assert_leq(atomic_load(&rig->server.requests) - before, 2);
    before = atomic_load(&rig->server.requests);
    cr_assert_eq(rig_fetch(rig, "/close")->code, CALL_EMPTY_REPLY);
    cr_assert_leq(atomic_load(&rig->server.requests) - before, 2);
}

Test(fetcher, a_post_whose_reply_never_began_may_have_been_sent)
{
    cr_assert_eq(post("/close", "body")->code, CALL_MAYBE_SENT);
    cr_assert_eq(rig_fetch(rig, "/close")->code, CALL_EMPTY_REPLY);
}

Test(fetcher, an_idempotent_request_on_a_dead_connection_is_redialled)
{
    cr_assert_eq(rig_fetch(rig, "/stale")->code, CALL_OK);
    struct rig_call *again = rig_fetch(rig, "/stale");
    cr_assert_eq(again->code, CALL_OK);
    cr_assert_str_eq(again->body, "first");
    cr_assert_eq(atomic_load(&rig->server.connections), 2);
}

Test(fetcher, the_body_of_an_idempotent_request_is_rewound)
{
    cr_assert_eq(rig_fetch(rig, "/stale")->code, CALL_OK);
    struct rig_call *made = rig_call(rig, "/stale");
    made->call.method = METHOD_PUT;
    made->call.has_body = true;
    made->call.body = slice_from("put twice");
    fetcher_start(rig->fetcher, &made->call);
    rig_run(rig, 2);
    cr_assert_eq(made->code, CALL_OK);
}

Test(fetcher, junk_left_by_an_earlier_reply_is_not_the_next_calls_fault)
{
    cr_assert_eq(rig_fetch(rig, "/leftover")->code, CALL_OK);
    struct rig_call *next = rig_fetch(rig, "/ok");
    cr_assert_eq(next->code, CALL_OK);
    cr_assert_str_eq(next->body, "ok");
}

Test(fetcher, an_unasked_second_reply_reaches_nobody)
{
    cr_assert_str_eq(rig_fetch(rig, "/poison")->body, "first");
    rig_run_ms(rig, 60);
    for (int i = 0; i < 3; i++)
        cr_assert_str_eq(rig_fetch(rig, "/ok")->body, "ok");
    /* Caught, it is trusted with one request per connection. */
    cr_assert_eq(atomic_load(&rig->server.connections), 4);
}

/* ----------------------------------------------------------------------- redirects */

static struct rig_call *follow(const char *path, unsigned redirects)
{
    struct rig_call *made = rig_call(rig, path);
    made->call.redirects = redirects;
    fetcher_start(rig->fetcher, &made->call);
    rig_run(rig, rig->done + 1);
    return made;
}

Test(fetcher, follows_redirects_as_many_as_asked)
{
    cr_assert_str_eq(follow("/to/302//ok", 1)->body, "ok");
    cr_assert_str_eq(follow("/to/302//to/302//ok", 2)->body, "ok");
    cr_assert_eq(follow("/to/302//to/302//ok", 1)->code, CALL_REDIRECT_LIMIT);
    struct rig_call *none = follow("/to/302//ok", 0);
    cr_assert_eq(none->code, CALL_OK);
    cr_assert_eq(none->status, 302);
    cr_assert_str_eq(none->body, "moved");
}

Test(fetcher, vets_each_hop_like_the_first_url)
{
    cr_assert_eq(follow("/to/302/ftp://host/", 1)->code, CALL_BLOCKED_URL);
    cr_assert_eq(follow("/to/302/http://127.0.0.1:22/", 1)->code, CALL_BLOCKED_URL);
    cr_assert_eq(follow("/to/302/http://user@localhost/", 1)->code, CALL_BAD_REPLY);
}

Test(fetcher, headers_do_not_follow_to_another_origin)
{
    static const struct call_header headers[] = {
        {.name = {"x-api-key", 9}, .value = {"k", 1}},
        {.name = {"accept", 6}, .value = {"a/b", 3}}};
    char path[128];
    for (int is_other = 0; is_other < 2; is_other++) {
        snprintf(path, sizeof path, "/to/307/http://%s:%u/echo",
                 is_other ? "localhost" : "127.0.0.1", rig->server.port);
        struct rig_call *made = rig_call(rig, path);
        made->call.redirects = 1;
        made->call.headers = headers;
        made->call.header_count = 2;
        fetcher_start(rig->fetcher, &made->call);
        rig_run(rig, rig->done + 1);
        cr_assert_eq(made->code, CALL_OK, "%s", made->message);
        cr_assert_eq(strstr(made->body, "x-api-key") != NULL, !is_other, "%s",
                     made->body);
        cr_assert_not_null(strstr(made->body, "accept: a/b"), "%s", made->body);
    }
}

Test(fetcher, a_redirected_post_becomes_get_or_keeps_its_body)
{
    static const struct {
        int status;
        const char *line;
        bool has_body;
    } rows[] = {{302, "GET /echo", false},
                {303, "GET /echo", false},
                {307, "POST /echo", true},
                {308, "POST /echo", true}};
    char path[64];
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "/to/%d//echo", rows[i].status);
        struct rig_call *made = rig_call(rig, path);
        made->call.redirects = 1;
        made->call.method = METHOD_POST;
        made->call.has_body = true;
        made->call.body = slice_from("body text");
        fetcher_start(rig->fetcher, &made->call);
        rig_run(rig, rig->done + 1);
        cr_assert_eq(strncmp(made->body, rows[i].line, strlen(rows[i].line)), 0, "%s",
                     made->body);
        cr_assert_eq(strstr(made->body, "body text") != NULL, rows[i].has_body, "%s",
                     made->body);
    }
}
