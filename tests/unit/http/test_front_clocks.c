/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks of a connection: absolute for head and body, idle between requests, progress
 * while a reply is read; none while a batch runs. */
#include "front_harness.h"

#define BATCH "POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

TestSuite(front_clocks, .init = start_front, .fini = stop_front, .timeout = 20);

Test(front_clocks, a_head_that_drips_is_answered_408_at_its_deadline)
{
    config.server.head_timeout_ms = 200;
    int client = connect_client();
    uint64_t begun = loop.now_ms;
    send_text(client, "GET /healthz HTTP/1.1\r\nX: ");
    while (!received_len && loop.now_ms < begun + 2000) {
        send_text(client, "x");
        read_for(client, 1, 20);
    }
    cr_expect(got("HTTP/1.1 408 Request Timeout") && got("/problems/request-timeout"));
    cr_expect_geq(loop.now_ms - begun, 200);
    cr_expect_lt(loop.now_ms - begun, 600);
    cr_expect(read_for(client, sizeof received, 3000), "closed");
}

Test(front_clocks, a_body_that_drips_is_answered_408_at_its_deadline)
{
    config.server.body_timeout_ms = 200;
    int client = connect_client();
    uint64_t begun = loop.now_ms;
    send_text(client, BATCH "Content-Length: 1000\r\n\r\n[");
    while (!received_len && loop.now_ms < begun + 2000) {
        send_text(client, " ");
        read_for(client, 1, 20);
    }
    cr_expect(got("HTTP/1.1 408") && got("X-Request-Id: "));
    cr_expect_lt(loop.now_ms - begun, 600);
    cr_expect(read_for(client, sizeof received, 3000), "closed");
}

Test(front_clocks, a_silent_client_is_closed_without_a_word)
{
    config.server.idle_timeout_ms = 150;
    int client = connect_client();
    cr_expect(read_for(client, 1, 1000));
    cr_expect_eq(received_len, 0);
}

Test(front_clocks, the_idle_clock_starts_again_after_each_request)
{
    config.server.idle_timeout_ms = 300;
    config.server.head_timeout_ms = 50;
    int client = connect_client();
    for (int i = 0; i < 4; i++) {
        received_len = 0;
        cr_assert_not(read_for(client, 1, 200), "kept for less than the idle timeout");
        cr_expect_eq(received_len, 0, "%s", received);
        send_text(client, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        cr_assert_not(read_for(client, 1, 200));
        cr_expect(got("HTTP/1.1 200"));
    }
    received_len = 0;
    cr_expect(read_for(client, 1, 1000), "closed after it");
    cr_expect_eq(received_len, 0);
}

Test(front_clocks, a_body_in_pieces_does_not_start_the_next_heads_clock)
{
    config.server.head_timeout_ms = 100;
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n");
    read_for(client, 1, 30);
    send_text(client, "{");
    read_for(client, 1, 30);
    send_text(client, "}");
    read_for(client, 1, 500);
    cr_expect(got("HTTP/1.1 400"));
    cr_expect_not(read_for(client, sizeof received, 300),
                  "still open after head_timeout");
    cr_expect_not(got("HTTP/1.1 408"));
    close(client);
}

Test(front_clocks, no_clock_runs_while_a_batch_does)
{
    config.server.head_timeout_ms = config.server.body_timeout_ms =
        config.server.idle_timeout_ms = config.server.write_timeout_ms = 50;
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n[]");
    cr_expect_not(read_for(client, 1, 300));
    cr_assert_not_null(running);
    running->setup.on_end(running, running->setup.context);
    read_for(client, 1, 500);
    cr_expect(got("HTTP/1.1 200"));
    close(client);
}

Test(front_clocks, a_reader_that_stalls_is_cut_and_its_memory_freed)
{
    config.server.write_timeout_ms = 200;
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n[]");
    for (int i = 0; i < 20 && !running; i++)
        turn();
    cr_assert_not_null(running);
    reply_count = 20;
    reply_size = 1 << 20;
    running->setup.on_end(running, running->setup.context);
    loop_touch(&loop);
    uint64_t begun = loop.now_ms;
    while (!closed_count && loop.now_ms < begun + 3000)
        turn();
    cr_expect_eq(closed_count, 1);
    cr_expect_geq(loop.now_ms - begun, 200);
    cr_expect_lt(loop.now_ms - begun, 2500, "machines may be busy");
    cr_expect_eq(budget_held(&budgets.reply_bytes), 0);
    close(client);
}

/* Each look finds progress, so that only the time as a whole can tell. */
Test(front_clocks, h9_a_reader_that_drips_is_cut_and_its_memory_freed)
{
    config.server.write_timeout_ms = 200;
    config.server.write_rate_min = 4096; /* 1 MiB/s while the budget is nearly full */
    budgets.reply_bytes.max = 1000;
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n[]");
    for (int i = 0; i < 20 && !running; i++)
        turn();
    cr_assert_not_null(running);
    reply_count = 2;
    reply_size = 300000;
    budget_force(&budgets.reply_bytes, 1000); /* others' */
    running->setup.on_end(running, running->setup.context);
    loop_touch(&loop);
    uint64_t begun = loop.now_ms;
    while (!closed_count && loop.now_ms < begun + 5000) {
        char few[1024];
        (void)!read(client, few, sizeof few);
        turn();
    }
    cr_expect_eq(closed_count, 1);
    cr_expect_geq(loop.now_ms - begun, 200 + 572);
    cr_expect_eq(budget_held(&budgets.reply_bytes), 1000);
    close(client);
}

Test(front_clocks, a_slow_reader_that_goes_on_is_not_cut)
{
    config.server.write_timeout_ms = 200;
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n[]");
    for (int i = 0; i < 20 && !running; i++)
        turn();
    cr_assert_not_null(running);
    reply_count = 2;
    reply_size = 300000;
    running->setup.on_end(running, running->setup.context);
    for (int i = 0; i < 20; i++)
        cr_assert_not(read_for(client, received_len + 1, 30) && received_len < 600000,
                      "cut after %zu bytes", received_len);
    read_for(client, 600000, 2000);
    cr_expect_geq(received_len, 600000);
    close(client);
}

Test(front_clocks, a_client_that_half_closed_is_closed_soon_after_its_reply)
{
    config.server.idle_timeout_ms = 60000;
    int client = connect_client();
    send_text(client, BATCH "Content-Length: 2\r\n\r\n{}");
    shutdown(client, SHUT_WR);
    cr_expect(read_for(client, sizeof received, 3000), "closed");
    cr_expect(got("HTTP/1.1 400"));
}
