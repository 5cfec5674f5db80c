/* SPDX-License-Identifier: Apache-2.0 */
/* http/live_desk.h: two desks in one thread, each a turn at a time. */
#include "http/live_desk.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

enum { DESKS = 2 };

static struct loop loop;
static struct config *config;
static struct fetch_shared *shared;
static struct budgets budgets;
static struct metrics_shard *shard;
static struct fetcher *fetchers[DESKS];
static struct live_board *board;
static struct live_desk *desks[DESKS];
static struct peak lag;
static atomic_uint clients;
static unsigned rings[DESKS];

struct asker {
    struct live_waiter waiter;
    unsigned answers;
    bool is_here[DESKS];
    unsigned clients[DESKS];
    struct live_desk *asks_again; /* from inside */
};

static void on_parts(struct live_waiter *waiter, struct live_part *parts, unsigned count)
{
    struct asker *asker = container_of(waiter, struct asker, waiter);
    cr_assert(count == DESKS);
    asker->answers++;
    for (unsigned i = 0; i < DESKS; i++) {
        asker->is_here[i] = atomic_load(&parts[i].is_here);
        asker->clients[i] = parts[i].clients;
    }
    struct live_desk *desk = asker->asks_again;
    asker->asks_again = NULL;
    if (desk)
        live_desk_ask(desk, waiter);
}

static struct asker new_asker(void)
{
    return (struct asker){.waiter.on_parts = on_parts};
}

static void ring(void *context, unsigned index)
{
    (void)context;
    rings[index]++;
    live_desk_ring(desks[index]);
}

static void start(void)
{
    struct error err = {0};
    cr_assert(loop_init(&loop, &err) && fetch_global_init(&err), "%s", err.text);
    config = config_defaults();
    shared = fetch_shared_new(config, &err);
    cr_assert(shared != NULL, "%s", err.text);
    shard = metrics_shard_new();
    board = live_board_new(DESKS);
    atomic_store(&clients, 3);
    for (unsigned i = 0; i < DESKS; i++) {
        const struct fetcher_setup fetcher_setup = {
            .loop = &loop, .shared = shared, .budgets = &budgets, .metrics = shard};
        fetchers[i] = fetcher_new(&fetcher_setup, &err);
        cr_assert(fetchers[i] != NULL, "%s", err.text);
        const struct live_desk_setup setup = {.board = board,
                                              .index = i,
                                              .loop = &loop,
                                              .fetcher = fetchers[i],
                                              .lag = &lag,
                                              .clients = &clients,
                                              .ring = ring};
        desks[i] = live_desk_new(&setup);
        rings[i] = 0;
    }
}

static void end(void)
{
    for (unsigned i = 0; i < DESKS; i++) {
        live_desk_free(desks[i]);
        fetcher_free(fetchers[i]);
    }
    live_board_free(board);
    metrics_shard_free(shard);
    fetch_shared_free(shared);
    config_free(config);
    loop_done(&loop);
    fetch_global_done();
}

TestSuite(live_desk, .init = start, .fini = end, .timeout = 20);

/* Turns of one desk until nothing is left for it to do at once. */
static void turn(unsigned index)
{
    do {
        live_desk_turn(desks[index]);
    } while (live_desk_has_work(desks[index]));
}

/* As if the time had come for what the loop waits for. */
static void pass(uint64_t ms)
{
    loop.now_ms += ms;
    loop_run_due(&loop);
}

Test(live_desk, a_round_ends_when_every_worker_has_answered)
{
    struct asker asker = new_asker();
    live_desk_ask(desks[0], &asker.waiter);
    cr_assert(rings[0] == 1 && rings[1] == 1);
    turn(0);
    cr_assert(eq(uint, asker.answers, 0));
    turn(1); /* the last one: rings the asker */
    cr_assert(eq(uint, rings[0], 2));
    turn(0);
    cr_assert(eq(uint, asker.answers, 1));
    cr_assert(asker.is_here[0] && asker.is_here[1] && asker.clients[1] == 3);
    pass(10 * LIVE_WAIT_MS); /* nothing is left of its clock */
    cr_assert(eq(uint, asker.answers, 1));
}

Test(live_desk, a_worker_that_does_not_come_round_is_missing)
{
    struct asker asker = new_asker();
    live_desk_ask(desks[0], &asker.waiter);
    turn(0);
    pass(LIVE_WAIT_MS - 1);
    cr_assert(eq(uint, asker.answers, 0));
    pass(1);
    cr_assert(eq(uint, asker.answers, 1));
    cr_assert(asker.is_here[0] && !asker.is_here[1]);
    turn(1); /* too late, and for nobody */
    turn(0);
    cr_assert(eq(uint, asker.answers, 1));
}

Test(live_desk, of_rounds_it_has_not_looked_at_only_the_last_reaches_a_worker)
{
    struct asker asker = new_asker();
    for (unsigned i = 0; i < 3; i++) {
        live_desk_ask(desks[0], &asker.waiter);
        turn(0);
        pass(LIVE_WAIT_MS);
        cr_assert(eq(uint, asker.answers, i + 1));
    }
    live_desk_ask(desks[0], &asker.waiter);
    turn(1);
    turn(0);
    cr_assert(asker.is_here[0] && asker.is_here[1]);
}

Test(live_desk, who_asks_meanwhile_gets_the_same_round)
{
    struct asker first = new_asker(), second = new_asker();
    live_desk_ask(desks[0], &first.waiter);
    live_desk_ask(desks[0], &second.waiter);
    cr_assert(eq(uint, rings[1], 1));
    turn(1);
    turn(0);
    cr_assert(first.answers == 1 && second.answers == 1);
}

Test(live_desk, workers_may_ask_one_another_at_once)
{
    struct asker first = new_asker(), second = new_asker();
    live_desk_ask(desks[0], &first.waiter);
    live_desk_ask(desks[1], &second.waiter);
    for (int i = 0; i < 3; i++) {
        turn(0);
        turn(1);
    }
    cr_assert(first.answers == 1 && second.answers == 1);
    cr_assert(first.is_here[1] && second.is_here[0]);
}

Test(live_desk, who_asks_from_inside_gets_a_new_round)
{
    struct asker asker = new_asker();
    asker.asks_again = desks[0];
    live_desk_ask(desks[0], &asker.waiter);
    for (int i = 0; i < 3; i++) {
        turn(1);
        turn(0);
    }
    cr_assert(eq(uint, asker.answers, 2));
}

Test(live_desk, who_has_left_is_not_called)
{
    struct asker stays = new_asker(), leaves = new_asker();
    live_desk_ask(desks[0], &leaves.waiter);
    live_desk_ask(desks[0], &stays.waiter);
    live_desk_leave(&leaves.waiter);
    turn(1);
    turn(0);
    cr_assert(stays.answers == 1 && leaves.answers == 0);
}

Test(live_desk, who_is_in_a_hurry_gets_what_is_there)
{
    struct asker asker = new_asker();
    live_desk_ask(desks[0], &asker.waiter);
    turn(1);
    live_desk_hurry(desks[0], &asker.waiter);
    cr_assert(asker.answers == 1 && !asker.is_here[0] && asker.is_here[1]);
    turn(0);
    cr_assert(eq(uint, asker.answers, 1));
}

Test(live_desk, what_is_under_way_is_freed_at_the_end)
{
    static struct asker asker;
    asker = new_asker();
    live_desk_ask(desks[0], &asker.waiter); /* in both slots; the leak checker looks */
    cr_assert(eq(uint, asker.answers, 0));
}
