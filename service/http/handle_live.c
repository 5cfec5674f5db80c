/* SPDX-License-Identifier: Apache-2.0 */
/* GET /-/live: the workers are asked, and answered is when all have, or after a second
 * with those that have. */
#include "http/handlers.h"

#include "base/clock.h"
#include "base/memory.h"
#include "http/exchange.h"
#include "http/live_document.h"
#include "http/problem.h"

#include <stdlib.h>

enum { DOCUMENT_MAX = 1 << 20 }; /* 100 origins and as many workers as there are */

struct looking {
    struct live_waiter waiter;
    struct exchange *exchange;
};

static void reply(struct exchange *exchange, const struct live_facts *facts)
{
    static const struct reply head = {.status = 200, .content_type = "application/json"};
    struct buffer text;
    size_t len;
    buffer_init(&text, DOCUMENT_MAX);
    live_document_write(&text, facts);
    if (text.failed) {
        buffer_done(&text);
        problem_reply(exchange, PROBLEM_INTERNAL, "no memory for the answer", NULL);
        return;
    }
    char *data = buffer_take(&text, &len);
    exchange_reply_text(exchange, &head, data, len);
}

static void on_parts(struct live_waiter *waiter, struct live_part *parts, unsigned count)
{
    struct looking *looking = container_of(waiter, struct looking, waiter);
    struct exchange *exchange = looking->exchange;
    const struct front_setup *setup = exchange_setup(exchange);
    struct circuit_list *circuits = memory_new(sizeof *circuits);
    free(looking);
    fetcher_circuit_list(setup->fetcher, circuits);
    struct live_facts facts = {
        .setup = setup,
        .parts = parts,
        .part_count = count,
        .circuits = circuits,
        .now_at_ms = clock_wall_ms(),
        .now_ms = clock_now_ms(),
    };
    process_figures_read(&facts.process);
    reply(exchange, &facts);
    free(circuits);
}

static void on_gone(void *work)
{
    struct looking *looking = work;
    live_desk_leave(&looking->waiter);
    free(looking);
}

static void on_drain(void *work)
{
    struct looking *looking = work;
    live_desk_hurry(exchange_setup(looking->exchange)->live_desk, &looking->waiter);
}

void handle_live_get(struct exchange *exchange)
{
    struct looking *looking = memory_new(sizeof *looking);
    looking->exchange = exchange;
    looking->waiter.on_parts = on_parts;
    const struct exchange_waiter waiter = {
        .on_gone = on_gone, .on_drain = on_drain, .work = looking};
    exchange_wait(exchange, &waiter);
    live_desk_ask(exchange_setup(exchange)->live_desk, &looking->waiter);
}
