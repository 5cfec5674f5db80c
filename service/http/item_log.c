/* SPDX-License-Identifier: Apache-2.0 */
/* Called by the handlers of batches. */
#include "http/item_log.h"

#include "base/log.h"
#include "base/redact.h"

#include <string.h>

bool item_log_is_wanted(const struct config *config)
{
    return config->log.items != LOG_ITEMS_NONE && log_is_on(LOG_INFO);
}

enum { URL_SHOWN_MAX = 1024 };

/* Cut off inside of its authority nobody sees what is userinfo. */
static struct slice cut_url(struct slice url)
{
    const char *slashes = memmem(url.data, URL_SHOWN_MAX, "//", 2);
    const char *from = slashes ? slashes + 2 : url.data;
    const char *end = url.data + URL_SHOWN_MAX;
    while (from < end && *from != '/' && *from != '?' && *from != '#')
        from++;
    return slice_make(url.data, from < end ? URL_SHOWN_MAX : 0);
}

static void put_url(struct log_line *line, const struct config *config, struct slice url)
{
    char text[2 * URL_SHOWN_MAX]; /* "***" may be longer than what it hides */
    struct buffer out = {.data = text, .cap = sizeof text, .max = sizeof text};
    bool is_cut = url.len > URL_SHOWN_MAX;
    redact_url(&out, is_cut ? cut_url(url) : url, (enum redact_mode)config->log.redact);
    log_slice(line, "url", buffer_slice(&out));
    if (is_cut)
        log_bool(line, "urlCut", true);
}

static void put_phases(struct log_line *line, const struct call_timing *timing,
                       double start_ms)
{
    const struct {
        const char *key;
        double ms;
    } phases[] = {
        {"startMs", start_ms > 0 ? start_ms : 0},
        {"queueMs", timing->blocked},
        {"dnsMs", timing->dns},
        {"connectMs", timing->connect},
        {"tlsMs", timing->ssl},
        {"sendMs", timing->send},
        {"waitMs", timing->wait},
        {"receiveMs", timing->receive},
        {"totalMs", timing->total > 0 ? timing->total : 0},
    };
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        if (phases[i].ms >= 0) /* it happened */
            log_double(line, phases[i].key, phases[i].ms);
    }
}

/* The sentence of a failure is our own words, with two exceptions: what was expected of a
 * reply is told with what it was, and that is a header's or a body's. And what did not
 * fit was a success before. */
static void put_failure(struct log_line *line, const struct item *item,
                        const struct outcome *outcome)
{
    log_text(line, "error", call_code_row(item->code)->name);
    if (outcome->message && outcome->code == item->code &&
        item->code != CALL_EXPECT_FAILED)
        log_text(line, "message", outcome->message);
}

static void put_origin(struct log_line *line, const struct call_timing *timing)
{
    if (timing->remote_address)
        log_text(line, "remoteAddress", timing->remote_address);
    if (timing->http_version) {
        log_text(line, "httpVersion", timing->http_version);
        log_bool(line, "reused", timing->is_reused);
    }
}

/* The span is that of the last attempt. */
static void put_trace(struct log_line *line, const struct item *item,
                      const struct outcome *outcome)
{
    const struct trace *trace = gather_trace(item->gather);
    if (!trace)
        return;
    log_slice(line, "traceId", slice_make(trace->context.trace_id, TRACE_ID_LEN));
    if (outcome->span_id[0])
        log_slice(line, "spanId", slice_make(outcome->span_id, SPAN_ID_LEN));
}

static void put_names(struct log_line *line, const struct exchange *exchange,
                      const struct item *item)
{
    log_text(line, "requestId", exchange_request_id(exchange));
    if (*exchange_caller(exchange)->name)
        log_text(line, "caller", exchange_caller(exchange)->name);
    if (item->parent)
        log_slice(line, "parent", item->parent->id);
    log_slice(line, "id", item->id);
    log_text(line, "method", call_method_name(item->method));
    put_url(line, exchange_config(exchange), item->call.url);
}

/* How often it was sent, or tried to. */
static int64_t attempts_of(const struct item *item, const struct outcome *outcome)
{
    if (outcome->attempt_count > 0)
        return (int64_t)outcome->attempt_count;
    return item->is_started ? 1 : 0;
}

void item_log(const struct exchange *exchange, const struct item *item,
              const struct outcome *outcome, double start_ms)
{
    const struct config *config = exchange_config(exchange);
    bool is_ok = item->code == CALL_OK;
    if (is_ok && config->log.items != LOG_ITEMS_ALL)
        return;
    struct log_line line;
    log_begin(&line, LOG_INFO, "item");
    put_names(&line, exchange, item);
    put_trace(&line, item, outcome);
    if (outcome->status > 0)
        log_int(&line, "status", outcome->status);
    if (!is_ok)
        put_failure(&line, item, outcome);
    log_int(&line, "attempts", attempts_of(item, outcome));
    if (outcome->hops > 0)
        log_int(&line, "redirects", outcome->hops);
    if (outcome->is_coalesced)
        log_bool(&line, "coalesced", true);
    if (outcome->is_fallback)
        log_bool(&line, "fallback", true);
    put_phases(&line, &outcome->timing, start_ms);
    put_origin(&line, &outcome->timing);
    log_int(&line, "bytes", (int64_t)outcome->timing.bytes);
    log_end(&line);
}
