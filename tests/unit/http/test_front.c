/* SPDX-License-Identifier: Apache-2.0 */
/* The front with a client on a socket pair: answers, refusals, waiting, hang-ups. */
#include "front_harness.h"

#define BATCH "POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

TestSuite(front, .init = start_front, .fini = stop_front, .timeout = 20);

static int start_batch(void)
{
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n[]");
    for (int i = 0; i < 20 && !running; i++)
        turn();
    cr_assert_not_null(running);
    return client;
}

static void end_batch(void)
{
    running->setup.on_end(running, running->setup.context);
}

Test(front, a_request_is_answered_and_the_connection_kept)
{
    int client = connect_client();
    for (int i = 0; i < 3; i++) {
        received_len = 0;
        send_text(client, GET("/healthz"));
        cr_expect_not(read_for(client, 1, 1000));
        cr_expect(got("HTTP/1.1 200") && got("X-Request-Id: ") &&
                  got("{\"status\":\"ok\"}"));
        cr_expect(got("Cache-Control: no-store") &&
                  got("X-Content-Type-Options: nosniff"));
    }
    cr_expect(front_is_idle(front));
    close(client);
    for (int i = 0; i < 20 && !closed_count; i++)
        turn();
    cr_expect_eq(closed_count, 1);
}

Test(front, the_callers_id_is_used_if_it_is_sound)
{
    int client = connect_client();
    send_text(client,
              "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: my.id-1\r\n\r\n");
    read_for(client, 1, 1000);
    cr_expect(got("X-Request-Id: my.id-1\r\n"));
    received_len = 0;
    send_text(client, "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: my id\r\n\r\n");
    read_for(client, 1, 1000);
    cr_expect(got("X-Request-Id: ") && !got("my id"));
    close(client);
}

Test(front, a_batch_waits_and_is_answered_when_it_ends)
{
    int client = start_batch();
    cr_expect_not(front_is_idle(front));
    read_for(client, 1, 50);
    cr_expect_eq(received_len, 0);
    end_batch();
    cr_expect_eq(front_wait_ms(front), 0, "a resumed connection is not left waiting");
    read_for(client, 1, 1000);
    cr_expect(got("HTTP/1.1 200") && got("Gatherd-Complete: true") && got("aaaaaaaaaa"));
    cr_expect_eq(freed_count, 1);
    turn();
    cr_expect(front_is_idle(front));
    cr_expect_eq(budget_held(&budgets.reply_bytes), 0);
    close(client);
}

Test(front, a_batch_is_answered_in_its_first_turn_or_later_and_the_connection_kept)
{
    int client = start_batch();
    for (int turns = 0; turns < 4; turns++) {
        for (int i = 0; i < turns; i++)
            turn();
        end_batch();
        received_len = 0;
        cr_expect_not(read_for(client, 1, 1000));
        cr_expect(got("HTTP/1.1 200") && got("aaaaaaaaaa"), "after %d turns", turns);
        send_text(client, BATCH "Content-Length: 2\r\n\r\n[]");
        for (int i = 0; i < 20 && !running; i++)
            turn();
        cr_assert_not_null(running);
    }
    close(client);
}

Test(front, a_waiting_batch_lets_the_loop_sleep)
{
    int client = start_batch();
    cr_expect_eq(front_wait_ms(front), 0, "it has a turn for its answer");
    turn();
    cr_expect_eq(front_wait_ms(front), -1);
    close(client);
}

Test(front, many_pieces_arrive_whole_and_in_order)
{
    int client = start_batch();
    reply_count = GATHER_PIECES_MAX;
    reply_size = 4000;
    end_batch();
    read_for(client, reply_count * reply_size + 100, 2000);
    const char *body = memmem(received, received_len, "\r\n\r\n", 4);
    cr_assert_not_null(body);
    body += 4;
    cr_assert_eq(received_len - (size_t)(body - received), reply_count * reply_size);
    for (size_t i = 0; i < reply_count * reply_size; i++)
        cr_assert_eq(body[i], 'a' + (char)(i / reply_size % 26), "byte %zu", i);
    close(client);
    turn();
    turn();
    cr_expect_eq(budget_held(&budgets.reply_bytes), 0);
}

Test(front, many_pieces_behind_a_large_head_do_not_abort)
{
    for (size_t size = 1000; size < 33000; size += 1000) {
        char *head = malloc(size + 300);
        sprintf(head, BATCH "Content-Length: 2\r\nX: %0*d\r\n\r\n[]", (int)size, 0);
        char *rest = malloc(40001);
        memset(rest, 'G', 40000);
        rest[40000] = '\0';
        int client = connect_client();
        running = NULL;
        send_text(client, head);
        send_text(client, rest);
        for (int i = 0; i < 10 && !running; i++)
            turn();
        reply_count = GATHER_PIECES_MAX;
        reply_size = 100;
        if (running)
            end_batch();
        read_for(client, reply_count * reply_size, 50);
        cr_expect(got("HTTP/1.1 200") || got("HTTP/1.1 431") || received_len == 0,
                  "%zu: %.60s", size, received);
        cr_expect(got("HTTP/1.1 200") || size > 8000, "%zu", size);
        close(client);
        free(head);
        free(rest);
    }
}

/* Sends the head `before`, `part` many times, `behind`; answers in many pieces. */
static void expect_many_pieces(const char *before, const char *part, size_t count,
                               const char *behind)
{
    struct buffer head;
    buffer_init(&head, 1 << 16);
    buffer_append_text(&head, before);
    for (size_t i = 0; i < count; i++)
        buffer_append_text(&head, part);
    buffer_append_text(&head, behind);
    int client = connect_client();
    running = NULL;
    send_text(client, buffer_text(&head));
    for (int i = 0; i < 10 && !running; i++)
        turn();
    reply_count = GATHER_PIECES_MAX;
    reply_size = 100;
    if (running)
        end_batch();
    read_for(client, reply_count * reply_size, 50);
    cr_expect(got("HTTP/1.1 200") || count > 100, "%zu: %.60s", count, received);
    close(client);
    buffer_done(&head);
}

Test(front, many_pieces_behind_many_arguments_do_not_abort)
{
    config.batch.max_items = 1000;
    for (size_t count = 10; count < 520; count += 10)
        expect_many_pieces("GET /v1/batch?url=[", "&url=", count,
                           " HTTP/1.1\r\nHost: a\r\n\r\n");
}

Test(front, many_pieces_behind_many_cookies_do_not_abort)
{
    for (size_t count = 10; count < 520; count += 10)
        expect_many_pieces(BATCH "Content-Length: 2\r\nCookie: a", "; a=b", count,
                           "\r\n\r\n[]");
}

/* With its arguments parsed there is no memory left for the headers: libmicrohttpd 0.9.75
 * neither answers nor ever says that the request has ended. */
Test(front, a_request_that_the_library_forgets_ends_with_its_connection)
{
    config.server.head_timeout_ms = 50;
    for (size_t size = 32600; size < 32760; size += 40) {
        char *head = malloc(size + 100);
        sprintf(head,
                "GET /v1/batch?url=%0*d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                (int)size, 0);
        int client = connect_client();
        send_text(client, head);
        read_for(client, sizeof received, 3000);
        close(client);
        for (int i = 0; i < 5; i++)
            turn();
        cr_expect(front_is_idle(front), "%zu", size);
        free(head);
    }
}

Test(front, a_vanished_client_ends_its_batch_at_once)
{
    int client = start_batch();
    close(client);
    for (int i = 0; i < 20 && !freed_count; i++)
        turn();
    cr_expect_eq(freed_count, 1);
    turn();
    cr_expect(front_is_idle(front));
    cr_expect_eq(closed_count, 1);
}

Test(front, a_client_that_vanishes_later_ends_its_batch_at_once)
{
    int client = start_batch();
    read_for(client, 1, 20);
    close(client);
    for (int i = 0; i < 20 && !closed_count; i++)
        turn();
    cr_expect_eq(freed_count, 1);
    cr_expect_eq(closed_count, 1);
}

Test(front, a_client_that_half_closed_before_counts_as_gone)
{
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n[]");
    shutdown(client, SHUT_WR);
    cr_expect(read_for(client, 1, 1000), "closed");
    cr_expect_eq(received_len, 0);
    cr_expect_eq(freed_count, 1);
}

Test(front, refusals_of_the_head_close_the_connection)
{
    static const struct {
        const char *request, *status;
    } refused[] = {
        {GET("/nope"), "HTTP/1.1 404"},
        {"PUT /v1/batch HTTP/1.1\r\nHost: a\r\n\r\n", "Allow: POST, GET, HEAD"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n", "HTTP/1.1 400"},
        {BATCH "Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]", "HTTP/1.1 400"},
        {BATCH "Content-Length: 4097\r\n\r\n", "HTTP/1.1 413"},
        {BATCH "\r\n", "HTTP/1.1 411"},
        {BATCH "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]", "HTTP/1.1 415"},
        {"POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n[]",
         "HTTP/1.1 415"},
        {"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n[]",
         "HTTP/1.1 413"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int client = connect_client();
        send_text(client, refused[i].request);
        send_text(client,
                  "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: second\r\n\r\n");
        cr_expect(read_for(client, sizeof received, 3000), "%s", refused[i].request);
        cr_expect(got(refused[i].status), "%s: %s", refused[i].request, received);
        /* Some heads libmicrohttpd 1.0 refuses itself, in its own words. */
        if (!got("<html>"))
            cr_expect(got("application/problem+json") && got("X-Request-Id: "));
        cr_expect_not(got("second"), "%s", refused[i].request);
        close(client);
    }
    cr_expect_null(running);
}

Test(front, a_length_that_is_no_number_is_answered_once)
{
    static const char *const lengths[] = {"-1", "+3", "1,1", "x",
                                          "99999999999999999999999"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        int client = connect_client();
        char request[300];
        snprintf(request, sizeof request, BATCH "Content-Length: %s\r\n\r\n[]",
                 lengths[i]);
        send_text(client, request);
        cr_expect(read_for(client, sizeof received, 3000), "closed");
        cr_expect(got("HTTP/1.1 4"), "%s", lengths[i]);
        const char *second = memmem(received + 1, received_len, "HTTP/1.1 4", 10);
        cr_expect_null(second, "%s", received);
        close(client);
    }
}

Test(front, a_head_that_may_be_two_does_not_choose_its_id)
{
    int client = connect_client();
    send_text(client, "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n"
                      "X-Request-Id: chosen\r\n\r\n");
    cr_expect(read_for(client, sizeof received, 3000));
    cr_expect(got("HTTP/1.1 400") && !got("chosen"));
    close(client);
}

Test(front, a_refused_batch_leaves_the_connection_open)
{
    int client = connect_client();
    for (int i = 0; i < 2; i++) {
        received_len = 0;
        send_text(client, BATCH "Content-Length: 2\r\n\r\n{}");
        cr_expect_not(read_for(client, 1, 1000));
        cr_expect(got("HTTP/1.1 400") && got("/problems/invalid-batch"), "%s", received);
    }
    close(client);
}

Test(front, a_chunked_body_over_the_limit_is_refused_as_soon_as_it_is_known)
{
    int client = connect_client();
    send_text(client, BATCH "Transfer-Encoding: chunked\r\n\r\n");
    char chunk[1100];
    sprintf(chunk, "400\r\n%01024d\r\n", 0);
    for (int i = 0; i < 5; i++)
        send_text(client, chunk);
    read_for(client, 1, 1000);
    cr_expect(got("HTTP/1.1 413 Content Too Large") && got("/problems/too-large"));
    send_text(client, chunk);
    cr_expect(read_for(client, sizeof received, 3000), "closed after a moment");
}

Test(front, keys_are_asked_for_before_the_body_is_read)
{
    config.auth.mode = AUTH_KEYS;
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n");
    read_for(client, 1, 1000);
    cr_expect(got("HTTP/1.1 401") && got("WWW-Authenticate: Bearer"));
    int other = connect_client();
    send_text(other, GET("/healthz"));
    read_for(other, 1, 1000);
    cr_expect(got("HTTP/1.1 200"), "health needs no key");
    close(client);
    close(other);
}

Test(front, a_full_reply_budget_refuses_new_batches)
{
    budget_force(&budgets.reply_bytes,
                 budgets.reply_bytes.max - budgets.reply_bytes.max / 8);
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n[]");
    read_for(client, 1, 1000);
    cr_expect(got("HTTP/1.1 503") && got("Retry-After: ") && got("/problems/overloaded"));
    received_len = 0;
    send_text(client, GET("/readyz"));
    read_for(client, 1, 1000);
    cr_expect(got("HTTP/1.1 503") && got("overloaded"));
    close(client);
}

Test(front, a_batch_that_could_not_be_done_in_time_is_not_taken_off_its_callers_rate)
{
    uint64_t wait_ns;
    struct caller *caller = callers_get(callers, "");
    rate_init(&caller->items, 1, 1);
    item_count = 1;
    admission_init(&admission, 1000);
    admission_note(&admission, 0, (struct schedule_delay){.round_us = UINT32_MAX});
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 12\r\n\r\n[\"http://a\"]");
    read_for(client, 1, 1000);
    cr_expect(got("HTTP/1.1 503") && got("by its deadline"));
    cr_expect(rate_has_one(&caller->items, loop.now_us, &wait_ns));
    close(client);
}

Test(front, o16_while_it_sheds_it_is_alive_and_not_ready)
{
    admission_init(&admission, 1000);
    for (uint64_t us = 0; us <= 2 * ADMISSION_INTERVAL_US; us += ADMISSION_INTERVAL_US)
        admission_note(&admission, us, (struct schedule_delay){.oldest_us = 2000});
    int client = connect_client();
    send_text(client, GET("/readyz"));
    read_for(client, 1, 1000);
    cr_expect(got("HTTP/1.1 503") && got("overloaded"));
    received_len = 0;
    send_text(client, GET("/healthz"));
    read_for(client, 1, 1000);
    cr_expect(got("HTTP/1.1 200"));
    close(client);
}

Test(front, draining_closes_idle_clients_and_answers_the_rest)
{
    int idle = connect_client();
    turn();
    int client = start_batch();
    atomic_store(&state.is_draining, true);
    front_drain(front);
    cr_expect(read_for(idle, 1, 1000), "the idle one is closed");
    received_len = 0;
    front_end_batches(front);
    cr_expect(read_for(client, sizeof received, 1000), "closed behind the reply");
    cr_expect(got("HTTP/1.1 200") && got("Connection: close"));
    cr_expect(front_is_idle(front));
    int late = connect_client();
    send_text(late, BATCH "Content-Length: 2\r\n\r\n[]");
    read_for(late, 1, 1000);
    cr_expect(got("HTTP/1.1 503") && got("/problems/draining"));
}

Test(front, the_end_of_the_process_frees_waiting_batches)
{
    start_batch();
    front_free(front);
    cr_expect_eq(freed_count, 1);
    cr_expect_eq(closed_count, 1);
    front = NULL;
}

Test(front, pipelined_requests_are_answered_in_order)
{
    int client = connect_client();
    send_text(client,
              "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: one\r\n\r\n" BATCH
              "X-Request-Id: two\r\nContent-Length: 2\r\n\r\n[]"
              "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: three\r\n\r\n");
    for (int i = 0; i < 20 && !running; i++)
        turn();
    cr_assert_not_null(running);
    end_batch();
    for (int i = 0; i < 10 && !got("three"); i++)
        read_for(client, received_len + 1, 100);
    const char *one = memmem(received, received_len, "Id: one", 7);
    const char *two = memmem(received, received_len, "Id: two", 7);
    const char *three = memmem(received, received_len, "Id: three", 9);
    cr_expect(one && two && three && one < two && two < three);
    close(client);
}
