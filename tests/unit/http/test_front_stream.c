/* SPDX-License-Identifier: Apache-2.0 */
/* A streamed batch, a turn at a time: what leaves when, and how it ends. */
#include "front_harness.h"

#include "support/failing_memory.h"

#define ASK(accept)                                                                      \
    "POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"           \
    "Accept: " accept "\r\nContent-Length: 2\r\n\r\n[]"
#define NDJSON "application/x-ndjson"
#define EVENTS "text/event-stream"

enum { SILENCE_MS = 15000 };

TestSuite(front_stream, .init = start_front, .fini = stop_front, .timeout = 20);

/* A client whose batch runs, behind the head of its reply and what `opens` it. */
static int open_stream(const char *request, const char *opens)
{
    int client = connect_client();
    send_text(client, request);
    for (int i = 0; i < 100 && !(running && got(opens)); i++)
        read_for(client, sizeof received, 2);
    cr_assert_not_null(running);
    cr_assert(got("HTTP/1.1 200 OK\r\n") && got(opens), "%s", received);
    received_len = 0;
    return client;
}

static void respond(const char *json)
{
    running->setup.on_response(running, NULL, slice_from(json), running->setup.context);
}

/* The loop's clock jumps, and timers ring. */
static void let_pass(uint64_t ms)
{
    loop.now_ms += ms;
    loop_run_due(&loop);
}

Test(front_stream, a_response_leaves_in_the_turn_it_came)
{
    int client = open_stream(ASK(NDJSON), "\r\n\r\n");
    respond("{\"id\":\"1\"}");
    turn();
    read_for(client, 1, 100);
    cr_expect(got("B\r\n{\"id\":\"1\"}\n\r\n"), "%s", received);
    close(client);
}

Test(front_stream, several_of_one_turn_leave_together)
{
    int client = open_stream(ASK(NDJSON), "\r\n\r\n");
    respond("{}");
    respond("[\n\r1]");
    read_for(client, 1, 100);
    cr_expect_str_eq(received, "9\r\n{}\n[  1]\n\r\n");
    close(client);
}

Test(front_stream, the_end_is_the_summary_and_the_last_chunk)
{
    int client = open_stream(ASK(NDJSON), "\r\n\r\n");
    gather_end_now(running, CALL_CANCELLED);
    read_for(client, sizeof received, 100);
    cr_expect(got("{\"summary\":{\"total\":1,") && got("}}\n\r\n0\r\n\r\n"), "%s",
              received);
    cr_expect_eq(freed_count, 1);
    received_len = 0;
    send_text(client, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    read_for(client, 1, 500);
    cr_expect(got("HTTP/1.1 200 OK"), "the connection goes on");
    close(client);
}

Test(front_stream, an_event_stream_says_something_after_15_s_of_silence)
{
    int client = open_stream(ASK(EVENTS), ":\n\n");
    let_pass(SILENCE_MS - 1000);
    read_for(client, 1, 20);
    cr_expect_eq(received_len, 0, "too early: %s", received);
    let_pass(SILENCE_MS);
    read_for(client, 1, 100);
    cr_expect_str_eq(received, "3\r\n:\n\n\r\n");
    received_len = 0;
    let_pass(2 * SILENCE_MS);
    read_for(client, 1, 100);
    cr_expect_str_eq(received, "3\r\n:\n\n\r\n", "and again");
    close(client);
}

Test(front_stream, a_response_puts_the_comment_off)
{
    int client = open_stream(ASK(EVENTS), ":\n\n");
    let_pass(10000);
    respond("{}");
    front_turn(front);
    read_for(client, 1, 100);
    received_len = 0;
    loop.now_ms += 10000;
    let_pass(SILENCE_MS - 5000);
    front_turn(front);
    read_for(client, 1, 20);
    cr_expect_eq(received_len, 0, "%s", received);
    close(client);
}

Test(front_stream, no_comment_is_written_while_something_waits_to_be_read)
{
    int client = open_stream(ASK(EVENTS), ":\n\n");
    respond("{}");
    let_pass(2 * SILENCE_MS);
    read_for(client, sizeof received, 50);
    cr_expect(got("data: {}\n\n") && !got(":\n\n\r\n"), "%s", received);
    close(client);
}

Test(front_stream, lines_have_no_comments)
{
    int client = open_stream(ASK(NDJSON), "\r\n\r\n");
    let_pass(10 * SILENCE_MS);
    read_for(client, 1, 50);
    cr_expect_eq(received_len, 0);
    close(client);
}

Test(front_stream, a_reader_that_is_behind_pauses_its_batch_until_it_has_caught_up)
{
    static char large[200001];
    memset(large, '1', sizeof large - 1);
    int client = open_stream(ASK(NDJSON), "\r\n\r\n");
    for (int i = 0; i < 6; i++) {
        cr_expect_not(running->is_paused);
        respond(large);
    }
    cr_expect(running->is_paused);
    cr_expect_gt(budget_held(&budgets.reply_bytes), 1 << 20);
    cr_expect_eq(running->setup.held(running->setup.context),
                 budget_held(&budgets.reply_bytes));
    for (int i = 0; i < 1000 && running->is_paused; i++) {
        received_len = 0;
        read_for(client, 1, 10);
    }
    cr_expect_not(running->is_paused);
    for (int i = 0; i < 1000 && budget_held(&budgets.reply_bytes); i++) {
        received_len = 0;
        read_for(client, 1, 10);
    }
    cr_expect_eq(budget_held(&budgets.reply_bytes), 0);
    close(client);
}

Test(front_stream, a_client_that_goes_away_drops_its_batch_and_what_waits)
{
    static char large[300001];
    memset(large, '1', sizeof large - 1);
    int client = open_stream(ASK(NDJSON), "\r\n\r\n");
    for (int i = 0; i < 6; i++)
        respond(large);
    turn();
    cr_expect_gt(budget_held(&budgets.reply_bytes), 0);
    close(client);
    for (int i = 0; i < 5; i++)
        turn();
    cr_expect_eq(freed_count, 1);
    cr_expect_eq(closed_count, 1);
    cr_expect_eq(budget_held(&budgets.reply_bytes), 0);
}

Test(front_stream, a_client_that_closed_its_side_gets_no_end)
{
    int client = open_stream(ASK(NDJSON), "\r\n\r\n");
    shutdown(client, SHUT_WR);
    cr_expect(read_for(client, sizeof received, 1000), "closed");
    cr_expect_eq(received_len, 0);
    cr_expect_eq(freed_count, 1);
    close(client);
}

Test(front_stream, the_end_of_the_process_drops_streams)
{
    int client = open_stream(ASK(EVENTS), ":\n\n");
    front_free(front);
    front = NULL;
    cr_expect_eq(freed_count, 1);
    read_for(client, sizeof received, 0);
    close(client);
}

Test(front_stream, without_memory_for_a_response_the_stream_is_cut)
{
    static char large[100001];
    memset(large, '1', sizeof large - 1);
    int client = open_stream(ASK(NDJSON), "\r\n\r\n");
    failing_memory_arm(1);
    respond(large);
    if (!failing_memory_disarm()) {
        close(client);
        return;
    }
    respond("{}");
    cr_expect(read_for(client, sizeof received, 1000), "closed");
    cr_expect_eq(received_len, 0, "%s", received);
    cr_expect_eq(freed_count, 1);
    close(client);
}

Test(front_stream, without_memory_for_a_response_not_even_the_summary_ends_it)
{
    static char large[100001];
    memset(large, '1', sizeof large - 1);
    int client = open_stream(ASK(NDJSON), "\r\n\r\n");
    failing_memory_arm(1);
    respond(large);
    bool has_failed = failing_memory_disarm();
    gather_end_now(running, CALL_CANCELLED);
    bool is_closed = read_for(client, sizeof received, 200);
    cr_expect_eq(is_closed, has_failed);
    cr_expect_eq(got("summary"), !has_failed);
    close(client);
}

Test(front_stream, head_is_answered_without_a_batch_and_closes)
{
    int client = connect_client();
    send_text(client,
              "HEAD /v1/batch?x=[ HTTP/1.1\r\nHost: a\r\nAccept: " EVENTS "\r\n\r\n");
    cr_expect(read_for(client, sizeof received, 1000), "closed");
    cr_expect(got("HTTP/1.1 200 OK\r\n") && got("\r\nContent-Type: " EVENTS "\r\n"));
    cr_expect_eq(received + received_len - 4,
                 (char *)memmem(received, received_len, "\r\n\r\n", 4));
    cr_expect_null(running);
    close(client);
}
