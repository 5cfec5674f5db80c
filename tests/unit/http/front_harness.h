/* SPDX-License-Identifier: Apache-2.0 */
/* A front driven by hand: a loop, one connection over a socket pair, and a gather that
 * ends when the test says so. Everything runs in the test's thread, a turn at a time. The
 * functions of batch/ named here take the place of the library's in this program. */
#pragma once

#include "batch/gather.h"
#include "batch/parse.h"
#include "http/front.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct gather {
    struct gather_setup setup;
};

static struct gather *running; /* the gather under way */
static int freed_count;        /* gathers freed */
static size_t reply_count;     /* what gather_reply hands out: so many pieces … */
static size_t reply_size;      /* … of so many bytes */

struct batch *parse_batch(struct slice text, const struct config *config,
                          struct parse_errors *errors)
{
    (void)config;
    if (text.len && text.data[0] == '[')
        return calloc(1, sizeof(struct batch));
    errors->total = errors->count = 1;
    errors->list[0].pointer = strdup("");
    errors->list[0].detail = strdup("not a batch");
    return NULL;
}

struct batch *parse_query(const struct parse_argument *arguments, size_t count,
                          const struct config *config, struct parse_errors *errors)
{
    return parse_batch(count ? arguments[0].value : slice_from(""), config, errors);
}

void parse_errors_done(struct parse_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        free(errors->list[i].pointer);
        free(errors->list[i].detail);
    }
}

struct gather *gather_start(const struct gather_setup *setup, struct batch *batch)
{
    free(batch);
    running = calloc(1, sizeof *running);
    running->setup = *setup;
    return running;
}

void gather_end_now(struct gather *gather, enum call_code code)
{
    (void)code;
    gather->setup.on_end(gather, gather->setup.context);
}

void gather_free(struct gather *gather)
{
    if (gather == running)
        running = NULL;
    freed_count++;
    free(gather);
}

struct gather_summary gather_summary(const struct gather *gather)
{
    (void)gather;
    return (struct gather_summary){.total = 1, .ok = 1};
}

size_t gather_reply(struct gather *gather, struct gather_piece pieces[GATHER_PIECES_MAX],
                    uint64_t *ret_bytes)
{
    for (size_t i = 0; i < reply_count; i++) {
        pieces[i] = (struct gather_piece){.data = malloc(reply_size), .len = reply_size};
        memset(pieces[i].data, 'a' + (int)(i % 26), reply_size);
    }
    *ret_bytes = reply_count * reply_size;
    budget_force(&gather->setup.budgets->reply_bytes, *ret_bytes);
    return reply_count;
}

static struct loop loop;
static struct config config;
static struct budgets budgets;
static struct process_state state;
static struct metrics_shard *shard;
static struct front *front;
static int closed_count;
static char received[1 << 20]; /* all of one client's replies */
static size_t received_len;

static void on_closed(void *context)
{
    (void)context;
    closed_count++;
}

static void start_front(void)
{
    struct error err;
    cr_assert(loop_init(&loop, &err));
    config = (struct config){
        .server = {.max_connections = 100,
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
    shard = metrics_shard_new();
    state = (struct process_state){.shards = &shard, .shard_count = 1, .version = "1"};
    atomic_store(&state.is_ready, true);
    const struct front_setup setup = {.role = FRONT_MAIN,
                                      .loop = &loop,
                                      .config = &config,
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
    loop_done(&loop);
    metrics_shard_free(shard);
}

/* The client's end of a new connection. */
static int connect_client(void)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
                 0);
    const struct sockaddr address = {.sa_family = AF_UNIX};
    front_adopt(front, ends[1], &address, sizeof address.sa_family);
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
