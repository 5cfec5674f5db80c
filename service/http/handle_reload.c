/* SPDX-License-Identifier: Apache-2.0 */
/* POST /-/reload: main reloads, and the answer is when all workers have changed. */
#include "http/handlers.h"

#include "base/memory.h"
#include "http/exchange.h"
#include "http/problem.h"
#include "http/reload_desk.h"

#include <stdlib.h>
#include <string.h>

struct asking {
    struct reload_waiter waiter;
    struct exchange *exchange;
};

static void on_answer(struct reload_waiter *waiter, bool is_done, struct slice text)
{
    static const struct reply head = {.status = 200, .content_type = "application/json"};
    struct asking *asking = container_of(waiter, struct asking, waiter);
    struct exchange *exchange = asking->exchange;
    free(asking);
    if (!is_done) {
        problem_reply_lines(exchange, PROBLEM_CONFIGURATION,
                            "the configuration in use was not changed", text);
        return;
    }
    char *copy = memory_new(text.len + 1);
    memcpy(copy, text.data, text.len);
    exchange_reply_text(exchange, &head, copy, text.len);
}

static void on_gone(void *work)
{
    struct asking *asking = work;
    reload_desk_leave(&asking->waiter);
    free(asking);
}

static void on_drain(void *work)
{
    struct asking *asking = work;
    struct exchange *exchange = asking->exchange;
    on_gone(work);
    problem_reply(exchange, PROBLEM_DRAINING, "this instance is shutting down", NULL);
}

void handle_reload_post(struct exchange *exchange)
{
    struct asking *asking = memory_new(sizeof *asking);
    asking->exchange = exchange;
    asking->waiter.on_answer = on_answer;
    const struct exchange_waiter waiter = {
        .on_gone = on_gone, .on_drain = on_drain, .work = asking};
    exchange_wait(exchange, &waiter);
    reload_desk_ask(exchange_setup(exchange)->reload_desk, &asking->waiter);
}
