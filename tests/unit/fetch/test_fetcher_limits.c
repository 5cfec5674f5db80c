/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/fetcher.h under limits: clocks, slots, budgets, cancelling, and the egress policy
 * on the way to the socket. */
#include "fetch_rig.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The others have seconds, so what ended before this was ended by its own. */
enum { NEXT_CLOCK_MS = 2000 };

static struct rig *rig;

static void use(const char *first, const char *second)
{
    const char *const overrides[] = {first, second, NULL};
    rig = rig_new(false, overrides);
}

static void teardown(void)
{
    rig_free(rig);
}

TestSuite(fetcher_limits, .fini = teardown);

static void expect_between(uint64_t since_ms, uint64_t least_ms, uint64_t most_ms)
{
    uint64_t took_ms = clock_now_ms() - since_ms;
    cr_expect_geq(took_ms, least_ms, "took %llu ms", (unsigned long long)took_ms);
    cr_expect_leq(took_ms, most_ms, "took %llu ms", (unsigned long long)took_ms);
}

/* ----------------------------------------------------------------------------- clocks */

Test(fetcher_limits, no_first_byte_in_time)
{
    use("fetch.first_byte_timeout=150ms", NULL);
    uint64_t began_ms = clock_now_ms();
    struct rig_call *call = rig_fetch(rig, "/hang");
    expect_between(began_ms, 150, NEXT_CLOCK_MS);
    cr_assert_eq(call->code, CALL_TIMEOUT_FIRST_BYTE);
    cr_assert_str_eq(call->message, "no reply within 150 ms");
    cr_assert_eq(call->status, 0);
}

Test(fetcher_limits, a_smaller_total_is_named_in_the_message)
{
    use(NULL, NULL);
    struct rig_call *call = rig_call(rig, "/hang");
    call->call.timeout_ms = 120;
    fetcher_start(rig->fetcher, &call->call);
    rig_run(rig, 1);
    cr_assert_eq(call->code, CALL_TIMEOUT_FIRST_BYTE);
    cr_assert_str_eq(call->message, "no reply within 120 ms");
}

Test(fetcher_limits, a_reply_that_stalls_is_idle)
{
    use("fetch.idle_timeout=150ms", NULL);
    uint64_t began_ms = clock_now_ms();
    cr_assert_eq(rig_fetch(rig, "/half")->code, CALL_TIMEOUT_IDLE);
    expect_between(began_ms, 150, NEXT_CLOCK_MS);
}

Test(fetcher_limits, a_reply_that_drips_is_not_idle_but_ends_with_the_total)
{
    use("fetch.idle_timeout=150ms", NULL);
    cr_assert_eq(rig_fetch(rig, "/drip/30")->code, CALL_OK);
    struct rig_call *call = rig_call(rig, "/drip/100");
    call->call.timeout_ms = 350;
    fetcher_start(rig->fetcher, &call->call);
    rig_run(rig, 2);
    cr_assert_eq(call->code, CALL_TIMEOUT_TOTAL);
    cr_assert_str_eq(call->message, "not finished within 350 ms");
}

Test(fetcher_limits, a_header_that_drips_is_neither_silence_nor_idle)
{
    use("fetch.idle_timeout=150ms", "fetch.first_byte_timeout=300ms");
    struct rig_call *call = rig_call(rig, "/drip-head/50");
    call->call.timeout_ms = 800;
    fetcher_start(rig->fetcher, &call->call);
    rig_run(rig, 1);
    cr_assert_eq(call->code, CALL_TIMEOUT_TOTAL);
    cr_assert_eq(rig_fetch(rig, "/drip-head/10")->code, CALL_TIMEOUT_IDLE);
}

Test(fetcher_limits, an_upload_nobody_reads_is_idle)
{
    use("fetch.idle_timeout=200ms", NULL);
    size_t len = 32 << 20;
    char *body = calloc(1, len);
    struct rig_call *call = rig_call(rig, "/noread");
    call->call.method = METHOD_POST;
    call->call.has_body = true;
    call->call.body = slice_make(body, len);
    fetcher_start(rig->fetcher, &call->call);
    rig_run(rig, 1);
    cr_assert_eq(call->code, CALL_TIMEOUT_IDLE);
    free(body);
    rig_run_ms(rig, 50);
}

/* A listener whose queue is full drops what knocks. */
static int deaf_listener(uint16_t *ret_port, int fillers[8])
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(fd, 0), 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

Test(fetcher_limits, no_connection_in_time)
{
    use(NULL, NULL);
    char url[64];
    uint16_t port;
    int fillers[8];
    int fd = deaf_listener(&port, fillers);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    struct rig_call *call = rig_call(rig, url);
    call->call.connect_timeout_ms = 150;
    fetcher_start(rig->fetcher, &call->call);
    uint64_t began_ms = clock_now_ms();
    rig_run(rig, 1);
    expect_between(began_ms, 150, NEXT_CLOCK_MS);
    cr_assert_eq(call->code, CALL_TIMEOUT_CONNECT);
    cr_assert_str_eq(call->message, "not connected within 150 ms");
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(fd);
}

Test(fetcher_limits, a_refused_connection_says_so)
{
    use(NULL, NULL);
    char url[64];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    struct rig_call *call = rig_fetch(rig, url);
    cr_assert_eq(call->code, CALL_CONNECT);
    cr_assert_str_eq(call->message, "the connection was refused");
    close(fd);
}

Test(fetcher_limits, time_in_the_queue_is_not_the_calls)
{
    use("fetch.per_origin=1", NULL);
    for (int i = 0; i < 3; i++) {
        struct rig_call *call = rig_call(rig, "/delay/150");
        call->call.timeout_ms = 300;
        fetcher_start(rig->fetcher, &call->call);
    }
    rig_run(rig, 3);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(rig->calls[i].code, CALL_OK, "%s", rig->calls[i].message);
    cr_expect_gt(rig->calls[2].timing.blocked, 250);
}

Test(fetcher_limits, the_queue_has_a_clock_of_its_own)
{
    use("fetch.per_origin=1", "fetch.queue_timeout=100ms");
    struct rig_call *first = rig_start(rig, "/delay/400");
    struct rig_call *second = rig_start(rig, "/ok");
    rig_run(rig, 2);
    cr_assert_eq(second->code, CALL_TIMEOUT_QUEUE);
    cr_assert_eq(first->code, CALL_OK);
    cr_assert_eq(atomic_load(&rig->server.requests), 1);
}

Test(fetcher_limits, a_call_past_its_deadline_is_not_sent)
{
    use(NULL, NULL);
    struct rig_call *call = rig_call(rig, "/ok");
    call->call.deadline_ms = rig->loop.now_ms;
    fetcher_start(rig->fetcher, &call->call);
    rig_run(rig, 1);
    cr_assert_eq(call->code, CALL_DEADLINE);
    cr_assert_eq(atomic_load(&rig->server.connections), 0);
}

/* --------------------------------------------------------------------- slots, budgets */

Test(fetcher_limits, an_origin_has_only_so_many_slots)
{
    use("fetch.per_origin=3", NULL);
    for (int i = 0; i < 30; i++)
        rig_start(rig, "/delay/10");
    rig_run(rig, 30);
    cr_assert_leq(atomic_load(&rig->server.peak), 3);
    cr_assert_leq(atomic_load(&rig->server.connections), 3);
}

Test(fetcher_limits, the_process_has_only_so_many_places)
{
    use(NULL, NULL);
    rig->budgets.in_flight.max = 2;
    for (int i = 0; i < 20; i++)
        rig_start(rig, "/delay/10");
    rig_run(rig, 20);
    cr_assert_leq(atomic_load(&rig->server.peak), 2);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(rig->calls[i].code, CALL_OK);
}

Test(fetcher_limits, places_others_hold_are_waited_for)
{
    use(NULL, NULL);
    rig->budgets.in_flight.max = 1;
    budget_force(&rig->budgets.in_flight, 1);
    struct rig_call *call = rig_start(rig, "/ok");
    rig_run_ms(rig, 100);
    cr_assert_eq(call->times_done, 0);
    budget_give(&rig->budgets.in_flight, 1);
    rig_run(rig, 1);
    cr_assert_eq(call->code, CALL_OK);
}

Test(fetcher_limits, calls_wait_for_sockets_rather_than_fail)
{
    use(NULL, NULL);
    rig->budgets.sockets.max = 8; /* a lane's own two among them */
    for (int i = 0; i < 100; i++)
        rig_start(rig, "/delay/5");
    rig_run(rig, 100);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(rig->calls[i].code, CALL_OK, "%s", rig->calls[i].message);
    cr_assert_leq(atomic_load(&rig->server.connections), 6);
}

Test(fetcher_limits, without_any_socket_calls_end_as_overloaded_and_do_not_spin)
{
    use("fetch.queue_timeout=300ms", NULL);
    rig->budgets.sockets.max = 0;
    struct rig_call *call = rig_start(rig, "/ok");
    clock_t cpu = clock();
    rig_run(rig, 1);
    cr_assert_eq(call->code, CALL_OVERLOADED);
    cr_assert_gt(rig->pressures, 0);
    cr_assert_lt(clock() - cpu, CLOCKS_PER_SEC / 10);
    rig->budgets.sockets.max = 100;
    cr_assert_eq(rig_fetch(rig, "/ok")->code, CALL_OK);
}

Test(fetcher_limits, overloaded_is_told_just_before_the_deadline_without_a_queue_clock)
{
    use(NULL, NULL);
    rig->budgets.sockets.max = 0;
    struct rig_call *call = rig_call(rig, "/ok");
    call->call.deadline_ms = clock_now_ms() + 200;
    fetcher_start(rig->fetcher, &call->call);
    rig_run(rig, 1);
    /* Not CALL_DEADLINE, and not as soon as a socket was missing. How long before is not
     * asserted: the machine may be busy. */
    cr_assert_eq(call->code, CALL_OVERLOADED);
    cr_assert_geq(clock_now_ms(), call->call.deadline_ms - 100);
}

/* A second fetcher of the same process, as another worker would have one. */
Test(fetcher_limits, idle_connections_of_one_worker_make_room_for_another)
{
    use(NULL, NULL);
    rig->budgets.sockets.max = 70;
    for (int i = 0; i < 60; i++)
        rig_start(rig, "/delay/500"); /* until the last is asked for, slow as it may be */
    rig_run(rig, 60);
    cr_assert_geq(budget_held(&rig->budgets.sockets), 60);
    struct fetcher *first = rig->fetcher;
    struct error err = {0};
    struct fetcher_setup setup = {.loop = &rig->loop,
                                  .shared = rig->shared,
                                  .budgets = &rig->budgets,
                                  .metrics = rig->metrics};
    rig->fetcher = fetcher_new(&setup, &err);
    for (int i = 0; i < 60; i++)
        rig_start(rig, "/delay/30");
    for (int i = 0; rig->done < 120 && i < 1000; i++) {
        rig_run_ms(rig, 5);
        if (i == 5)
            fetcher_trim(first); /* what on_socket_pressure asks the others for */
        fetcher_turn(first);
    }
    for (int i = 0; i < 120; i++)
        cr_assert_eq(rig->calls[i].code, CALL_OK, "%s", rig->calls[i].message);
    fetcher_free(first);
}

Test(fetcher_limits, idle_connections_close_after_keep_alive)
{
    use("fetch.keep_alive=1s", NULL);
    rig_fetch(rig, "/ok");
    cr_assert_gt(budget_held(&rig->budgets.sockets), 0);
    rig_run_ms(rig, 1200);
    cr_assert_eq(budget_held(&rig->budgets.sockets), 0);
    cr_assert_eq(rig_fetch(rig, "/ok")->code, CALL_OK);
}

/* ---------------------------------------------------------------------- cancelling */

static void wait_for_open(int count)
{
    for (int i = 0; i < 200 && atomic_load(&rig->server.open) != count; i++)
        rig_run_ms(rig, 5);
    cr_assert_eq(atomic_load(&rig->server.open), count);
}

Test(fetcher_limits, cancelling_frees_slot_connection_and_memory)
{
    use("fetch.per_origin=2", NULL);
    struct rig_call *running = rig_start(rig, "/hang");
    struct rig_call *other = rig_start(rig, "/hang");
    struct rig_call *queued = rig_start(rig, "/hang");
    rig_run_ms(rig, 50);
    cr_assert_eq(fetcher_phase(&running->call), PHASE_WAITING);
    cr_assert_eq(fetcher_phase(&queued->call), PHASE_QUEUED);
    fetcher_cancel(rig->fetcher, &queued->call);
    fetcher_cancel(rig->fetcher, &running->call);
    fetcher_cancel(rig->fetcher, &other->call);
    memset(&running->call, 0xa5, sizeof running->call);
    memset(&other->call, 0xa5, sizeof other->call);
    memset(&queued->call, 0xa5, sizeof queued->call);
    wait_for_open(0);
    cr_assert_eq(rig_fetch(rig, "/ok")->code, CALL_OK);
    cr_assert_eq(rig->done, 1);
}

Test(fetcher_limits, cancelling_twice_or_after_the_end_does_nothing)
{
    use(NULL, NULL);
    struct rig_call *call = rig_fetch(rig, "/ok");
    fetcher_cancel(rig->fetcher, &call->call);
    struct rig_call *hanging = rig_start(rig, "/hang");
    fetcher_cancel(rig->fetcher, &hanging->call);
    fetcher_cancel(rig->fetcher, &hanging->call);
    rig_run_ms(rig, 30);
    cr_assert_eq(hanging->times_done, 0);
}

Test(fetcher_limits, a_cancelled_upload_never_touches_its_body_again)
{
    use(NULL, NULL);
    size_t len = 16 << 20;
    char *body = calloc(1, len);
    struct rig_call *call = rig_call(rig, "/noread");
    call->call.method = METHOD_POST;
    call->call.has_body = true;
    call->call.body = slice_make(body, len);
    fetcher_start(rig->fetcher, &call->call);
    rig_run_ms(rig, 30);
    cr_assert_eq(fetcher_phase(&call->call), PHASE_SENDING);
    fetcher_cancel(rig->fetcher, &call->call);
    free(body);
    rig_run_ms(rig, 50);
    cr_assert_eq(call->times_done, 0);
}

Test(fetcher_limits, many_cancelled_at_once_leave_in_slices)
{
    use("fetch.per_origin=400", NULL);
    for (int i = 0; i < 300; i++)
        rig_start(rig, "/hang");
    rig_run_ms(rig, 300);
    cr_assert_eq(fetcher_in_flight(rig->fetcher), 300);
    for (int i = 0; i < 300; i++)
        fetcher_cancel(rig->fetcher, &rig->calls[i].call);
    fetcher_turn(rig->fetcher);
    cr_assert_gt(fetcher_in_flight(rig->fetcher), 0);
    cr_assert(fetcher_has_work(rig->fetcher));
    wait_for_open(0);
    cr_assert_eq(fetcher_in_flight(rig->fetcher), 0);
    cr_assert_eq(rig->done, 0);
}

static struct rig_call *victim;

static void cancel_victim(struct rig_call *call)
{
    fetcher_cancel(call->rig->fetcher, &victim->call);
}

Test(fetcher_limits, on_done_may_cancel_a_call_that_ended_in_the_same_turn)
{
    use(NULL, NULL);
    struct rig_call *first = rig_call(rig, "http://bad host/");
    victim = rig_call(rig, "http://also bad/");
    first->on_end = cancel_victim;
    fetcher_start(rig->fetcher, &first->call);
    fetcher_start(rig->fetcher, &victim->call);
    rig_run_ms(rig, 30);
    cr_assert_eq(first->times_done, 1);
    cr_assert_eq(victim->times_done, 0);
}

static void start_another(struct rig_call *call)
{
    struct rig_call *next = rig_call(call->rig, "/ok");
    next->on_end = call->rig->call_count < 20 ? start_another : NULL;
    fetcher_start(call->rig->fetcher, &next->call);
}

Test(fetcher_limits, on_done_may_start_calls)
{
    use(NULL, NULL);
    struct rig_call *first = rig_call(rig, "/ok");
    first->on_end = start_another;
    fetcher_start(rig->fetcher, &first->call);
    rig_run(rig, 20);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(rig->calls[i].times_done, 1);
}

Test(fetcher_limits, a_call_may_be_started_again_after_its_end)
{
    use(NULL, NULL);
    struct rig_call *call = rig_fetch(rig, "/ok");
    fetcher_start(rig->fetcher, &call->call);
    rig_run(rig, 2);
    cr_assert_eq(call->times_done, 2);
    cr_assert_eq(call->code, CALL_OK);
}

Test(fetcher_limits, freeing_the_fetcher_drops_calls_in_every_state)
{
    use("fetch.per_origin=2", NULL);
    for (int i = 0; i < 4; i++)
        rig_start(rig, "/hang");
    rig_start(rig, "http://name.invalid:8080/");
    rig_run_ms(rig, 30);
    rig_start(rig, "not a url");
    cr_assert_leq(rig->done, 1); /* teardown frees, and checks that all was given back */
}

/* -------------------------------------------------------------------------- policy */

Test(fetcher_limits, private_addresses_are_not_even_knocked_at)
{
    rig = rig_new(true, NULL);
    char url[64];
    cr_assert_eq(rig_fetch(rig, "/ok")->code, CALL_BLOCKED_ADDRESS);
    snprintf(url, sizeof url, "http://localhost:%u/ok", rig->server.port);
    cr_assert_eq(rig_fetch(rig, url)->code, CALL_BLOCKED_ADDRESS);
    snprintf(url, sizeof url, "http://[::ffff:127.0.0.1]:%u/ok", rig->server.port);
    cr_assert_eq(rig_fetch(rig, url)->code, CALL_BLOCKED_ADDRESS);
    cr_assert_eq(atomic_load(&rig->server.connections), 0);
}

Test(fetcher_limits, names_are_looked_up_and_pinned)
{
    use(NULL, NULL);
    char url[64];
    snprintf(url, sizeof url, "http://localhost:%u/echo", rig->server.port);
    struct rig_call *call = rig_fetch(rig, url);
    cr_assert_eq(call->code, CALL_OK, "%s", call->message);
    snprintf(url, sizeof url, "Host: localhost:%u\r\n", rig->server.port);
    cr_assert_not_null(strstr(call->body, url), "%s", call->body);
    cr_assert_geq(call->timing.dns, 0);
    cr_assert_eq(rig_fetch(rig, "http://name.invalid:8080/")->code, CALL_DNS);
}
