/* SPDX-License-Identifier: Apache-2.0 */
/* A front driven by hand: a loop, one connection over a socket pair, and a gather that
 * ends when the test says so. Everything runs in the test's thread, a turn at a time. */
#pragma once

#include "http/front.h"
#include "unit/http/fake_gather.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop loop;
static struct config config;
static struct budgets budgets;
static struct process_state state;
static struct metrics_shard *shard;
static struct front *front;
static struct callers *callers;
static struct snapshot *snapshot;
static struct admission admission;
static int closed_count;
static char received[1 << 20]; /* all of one client's replies */
static size_t received_len;

static void on_closed(void *context, int fd)
{
    (void)context, (void)fd;
    closed_count++;
}

static void start_front(void)
{
    struct error err;
    cr_assert(loop_init(&loop, &err));
    config = (struct config){
        .server = {.max_connections = 100,
                   .head_max_bytes = 16384,
                   .request_max_bytes = 4096,
                   .head_timeout_ms = 5000,
                   .body_timeout_ms = 5000,
                   .idle_timeout_ms = 5000,
                   .write_timeout_ms = 5000,
                   .tls_certificate = (char[]){""},
                   .tls_key = (char[]){""},
                   .tls_client_ca = (char[]){""}},
        .batch = {.max_items = 10},
    };
    budgets.reply_bytes.max = 64 << 20;
    budgets.request_bytes.max = 64 << 20;
    shard = metrics_shard_new();
    state = (struct process_state){.shards = &shard, .shard_count = 1, .version = "1"};
    atomic_store(&state.is_ready, true);
    callers = callers_new();
    snapshot = snapshot_new(callers, &config, &err);
    cr_assert_not_null(snapshot, "%s", err.text);
    const struct front_setup setup = {.role = FRONT_MAIN,
                                      .loop = &loop,
                                      .snapshot = snapshot,
                                      .admission = &admission,
                                      .budgets = &budgets,
                                      .metrics = shard,
                                      .state = &state,
                                      .on_closed = on_closed};
    reply_count = 1;
    reply_size = 10;
    front = front_new(&setup, &err);
    cr_assert_not_null(front, "%s", err.text);
}

static void stop_front(void)
{
    front_free(front);
    snapshot_release(snapshot);
    callers_free(callers);
    loop_done(&loop);
    metrics_shard_free(shard);
}

/* The client's end of a new connection. */
static int connect_client(void)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
                 0);
    const struct front_arrival arrival = {.fd = ends[1],
                                          .is_local = true,
                                          .address = {.ss_family = AF_UNIX},
                                          .address_len = sizeof(sa_family_t)};
    front_adopt(front, &arrival);
    received_len = 0;
    return ends[0];
}

static void turn(void)
{
    int wait = front_wait_ms(front);
    loop_wait(&loop, wait < 0 ? 5 : wait);
    loop_run_due(&loop);
    front_turn(front);
}

/* Turns, reading what the client gets, until it is `enough` bytes, the end, or `ms`
 * passed. Returns true when the connection ended. */
static bool read_for(int client, size_t enough, uint64_t ms)
{
    loop_touch(&loop);
    uint64_t until = loop.now_ms + ms;
    while (loop.now_ms < until && received_len < enough) {
        turn();
        ssize_t got =
            read(client, received + received_len, sizeof received - 1 - received_len);
        if (got == 0)
            return true;
        if (got > 0)
            received_len += (size_t)got;
        received[received_len] = '\0';
    }
    return false;
}

static void send_text(int client, const char *text)
{
    cr_assert_eq(write(client, text, strlen(text)), (ssize_t)strlen(text));
}

static bool got(const char *text)
{
    return memmem(received, received_len, text, strlen(text)) != NULL;
}
