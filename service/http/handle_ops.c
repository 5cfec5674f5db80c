/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is no batch: the page, health, readiness, metrics, problem pages and
 * the contract. All answer at once, and under overload too. */
#include "http/handlers.h"

#include "fetch/call_code.h"
#include "http/accept_metrics.h"
#include "http/exchange.h"
#include "http/index_page.h"
#include "http/openapi_text.h"
#include "http/problem.h"
#include "http/readiness.h"

#include <stdatomic.h>
#include <stddef.h>

enum { PAGE_MAX = 64 * 1024, METRICS_MAX = 4 * 1024 * 1024, ACCEPT_LINES_MAX = 8 };

static void reply_buffer(struct exchange *exchange, const struct reply *reply,
                         struct buffer *text)
{
    if (text->failed || text->len == 0) {
        buffer_done(text);
        problem_reply(exchange, PROBLEM_INTERNAL, "no memory for the answer", NULL);
        return;
    }
    size_t len;
    char *data = buffer_take(text, &len);
    exchange_reply_text(exchange, reply, data, len);
}

void handle_ops_index(struct exchange *exchange)
{
    const struct reply reply = {
        .status = 200,
        .content_type = "text/html; charset=utf-8",
        .extra_names = {"Content-Security-Policy", "Referrer-Policy"},
        .extra_values = {index_page_policy, "no-referrer"},
    };
    struct buffer page;
    buffer_init(&page, PAGE_MAX);
    const struct front_setup *setup = exchange_setup(exchange);
    index_page_write(&page, setup->state->version,
                     exchange_is_local(exchange) &&
                         exchange_config(exchange)->ops.listen.count == 0);
    reply_buffer(exchange, &reply, &page);
}

void handle_ops_health(struct exchange *exchange)
{
    const struct reply reply = {.status = 200, .content_type = "application/json"};
    exchange_reply_static(exchange, &reply, slice_from("{\"status\":\"ok\"}\n"));
}

void handle_ops_ready(struct exchange *exchange)
{
    static const char *const texts[] = {
        [READINESS_READY] = "{\"ready\":true}\n",
        [READINESS_DRAINING] = "{\"ready\":false,\"reason\":\"draining\"}\n",
        [READINESS_STARTING] = "{\"ready\":false,\"reason\":\"starting\"}\n",
        [READINESS_OVERLOADED] = "{\"ready\":false,\"reason\":\"overloaded\"}\n",
    };
    enum readiness readiness = readiness_of(exchange_setup(exchange));
    bool is_ready = readiness == READINESS_READY;
    const struct reply reply = {
        .status = is_ready ? 200 : 503,
        .content_type = "application/json",
        .extra_names = {is_ready ? NULL : "Retry-After"},
        .extra_values = {"1"},
    };
    exchange_reply_static(exchange, &reply, slice_from(texts[readiness]));
}

static const char *code_name(unsigned code)
{
    return call_code_row((enum call_code)code)->name;
}

/* Budgets are the process's, not a shard's. */
static void write_budgets(struct buffer *text, const struct budgets *budgets)
{
    metrics_write_figure(text, "gatherd_request_bytes", "gauge",
                         "Bytes of requests held, of memory.request_budget",
                         (double)budget_held(&budgets->request_bytes));
    metrics_write_figure(text, "gatherd_held_reply_bytes", "gauge",
                         "Bytes of replies held, of memory.reply_budget",
                         (double)budget_held(&budgets->reply_bytes));
}

static void write_circuits(struct buffer *text, struct circuit_counts counts)
{
    metrics_write_figure(text, "gatherd_circuits_open", "gauge",
                         "Circuits of origins that answer circuit_open at once",
                         (double)counts.open);
    metrics_write_figure(text, "gatherd_circuits_half_open", "gauge",
                         "Circuits that are probed, or wait for a call to probe with",
                         (double)counts.half_open);
}

static bool wants_openmetrics(const struct exchange *exchange)
{
    struct slice lines[ACCEPT_LINES_MAX];
    size_t count = exchange_header_lines(exchange, "Accept", lines, ACCEPT_LINES_MAX);
    return accept_metrics_is_open(lines,
                                  count < ACCEPT_LINES_MAX ? count : ACCEPT_LINES_MAX);
}

void handle_ops_metrics(struct exchange *exchange)
{
    bool is_open = wants_openmetrics(exchange);
    const struct reply reply = {
        .status = 200,
        .content_type = is_open ? "application/openmetrics-text; version=1.0.0; "
                                  "charset=utf-8"
                                : "text/plain; version=0.0.4; charset=utf-8",
        .extra_names = {"Vary"},
        .extra_values = {"Accept"},
    };
    const struct process_state *state = exchange_setup(exchange)->state;
    struct buffer text;
    buffer_init(&text, METRICS_MAX);
    if (is_open)
        metrics_write_open(&text, state->shards, state->shard_count, code_name);
    else
        metrics_write(&text, state->shards, state->shard_count, code_name);
    write_budgets(&text, exchange_setup(exchange)->budgets);
    write_circuits(&text, fetcher_circuits(exchange_setup(exchange)->fetcher));
    if (is_open)
        metrics_end_open(&text);
    reply_buffer(exchange, &reply, &text);
}

void handle_ops_problem(struct exchange *exchange)
{
    static const char folder[] = "/problems/";
    const struct reply reply = {.status = 200,
                                .content_type = "text/plain; charset=utf-8"};
    struct slice path = exchange_path(exchange);
    size_t skip = sizeof folder - 1;
    struct buffer page;
    buffer_init(&page, PAGE_MAX);
    if (problem_page(&page, slice_make(path.data + skip, path.len - skip)))
        reply_buffer(exchange, &reply, &page);
    else
        problem_reply(exchange, PROBLEM_NOT_FOUND, "no such problem type", NULL);
}

void handle_ops_openapi(struct exchange *exchange)
{
    const struct reply reply = {.status = 200, .content_type = "application/yaml"};
    exchange_reply_static(exchange, &reply, slice_make(openapi_text, openapi_text_len));
}
