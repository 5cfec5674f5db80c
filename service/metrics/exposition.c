/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics page: Prometheus text format 0.0.4 or OpenMetrics 1.0, names and units as
 * `promtool check metrics` wants them. Every name and label value comes from a table of
 * the program; nothing a caller or an upstream wrote is ever printed. Series that are 0
 * are written too, so that rates exist from the first event on. Called by the handler of
 * /metrics. */
#include "metrics/metrics.h"

#include "base/log.h"
#include "base/log_writer.h"
#include "metrics/metric_rows.h"
#include "metrics/process_figures.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct scrape {
    struct buffer *out;
    struct metrics_shard *const *shards;
    size_t count;
    const char *(*code_name)(unsigned code);
    bool is_open; /* OpenMetrics */
};

static const char *const batch_results[] = {
    [BATCH_COMPLETE] = "complete",
    [BATCH_PARTIAL] = "partial",
    [BATCH_GONE] = "gone",
    [BATCH_REFUSED] = "refused",
};
static const char *const status_classes[] = {"2xx", "3xx", "4xx", "5xx"};
static const char *const refusal_reasons[] = {
    [REFUSED_BY_LIMIT] = "max_connections",
    [REFUSED_BY_ADDRESS] = "max_connections_per_address",
};
static const char *const auth_refusals[] = {
    [AUTH_REFUSED_KEY] = "key",
    [AUTH_REFUSED_HELD_BACK] = "held_back",
};
static const char *const dns_results[] = {
    [DNS_ANSWERED] = "answered",
    [DNS_FAILED] = "failed",
    [DNS_CACHED] = "cached",
};
static const char *const egress_reasons[] = {
    [EGRESS_DENIED_HOST] = "denied_host",
    [EGRESS_DENIED_ADDRESS] = "denied_address",
    [EGRESS_NO_HTTP] = "no_http",
    [EGRESS_SCHEME] = "scheme",
    [EGRESS_PORT] = "port",
    [EGRESS_PRIVATE] = "private",
    [EGRESS_METADATA] = "metadata",
    [EGRESS_OWN] = "own_listener",
    [EGRESS_ZONE] = "zone",
    [EGRESS_FAMILY] = "family",
    [EGRESS_INSECURE_REDIRECT] = "insecure_redirect",
    [EGRESS_OTHER] = "other",
};
static const char *const reload_results[] = {
    [RELOAD_DONE] = "done", [RELOAD_REFUSED] = "refused"};
static const char *const caller_limits[] = {
    [CALLER_LIMIT_RATE] = "items_per_second",
    [CALLER_LIMIT_ITEMS] = "max_items",
};
static const char *const stream_forms[] = {
    [STREAM_FORM_NDJSON] = "ndjson",
    [STREAM_FORM_EVENTS] = "events",
};
static const char *const retry_results[] = {
    [RETRY_SENT] = "sent",
    [RETRY_OVER_BUDGET] = "over_budget",
    [RETRY_TOO_LATE] = "too_late",
};
static const char *const hedge_results[] = {
    [HEDGE_WON] = "won",
    [HEDGE_LOST] = "lost",
    [HEDGE_OVER_BUDGET] = "over_budget",
};
static const char *const span_losses[] = {
    [SPANS_LOST_QUEUE_FULL] = "queue_full", [SPANS_LOST_TOO_LARGE] = "too_large",
    [SPANS_LOST_REJECTED] = "rejected",     [SPANS_LOST_UNAVAILABLE] = "unavailable",
    [SPANS_LOST_SHUTDOWN] = "shutdown",
};
static const char *const phases[] = {
    [PHASE_LABEL_BLOCKED] = "blocked", [PHASE_LABEL_DNS] = "dns",
    [PHASE_LABEL_CONNECT] = "connect", [PHASE_LABEL_SSL] = "ssl",
    [PHASE_LABEL_SEND] = "send",       [PHASE_LABEL_WAIT] = "wait",
    [PHASE_LABEL_RECEIVE] = "receive", [PHASE_LABEL_TOTAL] = "total",
};

static const char *label_value(const struct scrape *scrape, size_t id, unsigned label)
{
    switch ((enum metric_id)id) {
    case METRIC_BATCHES:
        return batch_results[label];
    case METRIC_ITEMS:
        return scrape->code_name(label);
    case METRIC_REQUESTS:
        return status_classes[label];
    case METRIC_CLIENT_REFUSED:
        return refusal_reasons[label];
    case METRIC_AUTH_REFUSED:
        return auth_refusals[label];
    case METRIC_DNS_LOOKUPS:
        return dns_results[label];
    case METRIC_EGRESS_REFUSED:
    case METRIC_EGRESS_WOULD_REFUSE:
        return egress_reasons[label];
    case METRIC_RELOADS:
        return reload_results[label];
    case METRIC_CALLER_REFUSED:
        return caller_limits[label];
    case METRIC_STREAMS:
        return stream_forms[label];
    case METRIC_RETRIES:
        return retry_results[label];
    case METRIC_HEDGES:
        return hedge_results[label];
    case METRIC_SPANS_DROPPED:
        return span_losses[label];
    case METRIC_PHASE_SECONDS:
        return phases[label];
    default:
        return "unknown"; /* a labelled metric was added without its names */
    }
}

static uint64_t sum(const struct scrape *scrape, size_t slot)
{
    uint64_t total = 0;
    for (size_t i = 0; i < scrape->count; i++)
        total += metrics_shard_read(scrape->shards[i], slot);
    return total;
}

/* In OpenMetrics a counter is named without the end that its samples have. */
static void write_head(const struct scrape *scrape, const char *name, const char *type,
                       const char *help)
{
    static const char total[] = "_total";
    size_t len = strlen(name);
    if (scrape->is_open && strcmp(type, "counter") == 0) {
        len -= sizeof total - 1;
        assert(strcmp(name + len, total) == 0);
    }
    buffer_append_format(scrape->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)len, name,
                         help, (int)len, name, type);
}

static void write_plain(const struct scrape *scrape, size_t id)
{
    const struct metric_row *row = &metric_rows[id];
    for (unsigned label = 0; label < row->label_count; label++) {
        buffer_append_format(scrape->out, "gatherd_%s", row->name);
        if (row->label)
            buffer_append_format(scrape->out, "{%s=\"%s\"}", row->label,
                                 label_value(scrape, id, label));
        buffer_append_byte(scrape->out, ' ');
        buffer_append_uint(scrape->out, sum(scrape, row->slot + label));
        buffer_append_byte(scrape->out, '\n');
    }
}

/* Numbers in OpenMetrics have a point or an exponent. */
static void write_bound(const struct scrape *scrape, size_t bucket)
{
    char text[32] = "+Inf";
    if (bucket < HISTOGRAM_BUCKETS - 1)
        snprintf(text, sizeof text, "%g", histogram_bounds[bucket]);
    buffer_append_text(scrape->out, text);
    if (scrape->is_open && bucket < HISTOGRAM_BUCKETS - 1 && !strchr(text, '.'))
        buffer_append_text(scrape->out, ".0");
}

/* Of all shards the latest one. */
static void write_exemplar(const struct scrape *scrape, size_t id, unsigned label,
                           size_t bucket)
{
    struct exemplar latest = {.at_ms = 0}, one;
    for (size_t i = 0; i < scrape->count && scrape->is_open; i++) {
        if (metrics_shard_exemplar(scrape->shards[i], (enum metric_id)id, label, bucket,
                                   &one) &&
            one.at_ms > latest.at_ms)
            latest = one;
    }
    if (latest.at_ms == 0)
        return;
    buffer_append_format(scrape->out, " # {trace_id=\"%.*s\",span_id=\"%.*s\"} %.6f %.3f",
                         EXEMPLAR_TRACE_LEN, latest.trace_id, EXEMPLAR_SPAN_LEN,
                         latest.span_id, (double)latest.us / 1e6,
                         (double)latest.at_ms / 1e3);
}

/* One series of a histogram; `labels` is empty or `name="value"`. */
static void write_series(const struct scrape *scrape, size_t id, unsigned label,
                         const char *labels)
{
    const struct metric_row *row = &metric_rows[id];
    size_t slot = row->slot + label * (size_t)HISTOGRAM_SLOTS;
    const char *comma = *labels ? "," : "";
    uint64_t total = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += sum(scrape, slot + i);
        buffer_append_format(scrape->out, "gatherd_%s_bucket{%s%sle=\"", row->name,
                             labels, comma);
        write_bound(scrape, i);
        buffer_append_format(scrape->out, "\"} %llu", (unsigned long long)total);
        write_exemplar(scrape, id, label, i);
        buffer_append_byte(scrape->out, '\n');
    }
    const char *open = *labels ? "{" : "";
    const char *close = *labels ? "}" : "";
    double seconds = (double)sum(scrape, slot + HISTOGRAM_SUM_SLOT) / 1e6;
    buffer_append_format(scrape->out, "gatherd_%s_sum%s%s%s %.6f\n", row->name, open,
                         labels, close, seconds);
    buffer_append_format(scrape->out, "gatherd_%s_count%s%s%s %llu\n", row->name, open,
                         labels, close, (unsigned long long)total);
}

static void write_histogram(const struct scrape *scrape, size_t id)
{
    const struct metric_row *row = &metric_rows[id];
    char labels[96] = "";
    if (id == METRIC_LOOP_LAG_SECONDS) {
        /* One slow worker must not hide among many quick ones. */
        for (size_t i = 0; i < scrape->count; i++) {
            struct scrape one = *scrape;
            one.shards = &scrape->shards[i];
            one.count = 1;
            snprintf(labels, sizeof labels, "worker=\"%zu\"", i);
            write_series(&one, id, 0, labels);
        }
        return;
    }
    for (unsigned label = 0; label < row->label_count; label++) {
        if (row->label)
            snprintf(labels, sizeof labels, "%s=\"%s\"", row->label,
                     label_value(scrape, id, label));
        write_series(scrape, id, label, labels);
    }
}

static void write_metric(const struct scrape *scrape, size_t id)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
    };
    const struct metric_row *row = &metric_rows[id];
    char name[96];
    snprintf(name, sizeof name, "gatherd_%s", row->name);
    write_head(scrape, name, types[row->kind], row->help);
    if (row->kind == METRIC_HISTOGRAM)
        write_histogram(scrape, id);
    else
        write_plain(scrape, id);
}

static void write_figure(const struct scrape *scrape, const char *name, const char *type,
                         const char *help, double value)
{
    write_head(scrape, name, type, help);
    buffer_append_format(scrape->out, "%s %.15g\n", name, value);
}

void metrics_write_figure(struct buffer *out, const char *name, const char *type,
                          const char *help, double value)
{
    const struct scrape scrape = {.out = out};
    write_figure(&scrape, name, type, help, value);
}

static void write_process(const struct scrape *scrape)
{
    struct process_figures figures;
    process_figures_read(&figures);
    write_figure(scrape, "process_cpu_seconds_total", "counter",
                 "User and system CPU time spent in seconds", figures.cpu_seconds);
    write_figure(scrape, "process_resident_memory_bytes", "gauge",
                 "Resident memory size in bytes", (double)figures.resident_bytes);
    write_figure(scrape, "process_virtual_memory_bytes", "gauge",
                 "Virtual memory size in bytes", (double)figures.virtual_bytes);
    write_figure(scrape, "process_open_fds", "gauge", "Number of open file descriptors",
                 (double)figures.open_fds);
    write_figure(scrape, "process_max_fds", "gauge",
                 "Maximum number of open file descriptors", (double)figures.max_fds);
    write_figure(scrape, "process_threads", "gauge", "Number of threads",
                 (double)figures.threads);
    write_figure(scrape, "process_start_time_seconds", "gauge",
                 "Start time of the process since the Unix epoch in seconds",
                 figures.start_time_seconds);
    write_figure(scrape, "gatherd_log_lines_dropped_total", "counter",
                 "Lines of the log that standard error did not take in time",
                 (double)log_writer_dropped());
    write_figure(scrape, "gatherd_log_lines_held_back_total", "counter",
                 "Lines of the log not written because their kind came too often",
                 (double)log_held_back());
    write_head(scrape, "gatherd_build_info", "gauge", "The running version; always 1");
    buffer_append_text(scrape->out,
                       "gatherd_build_info{version=\"" GATHERD_VERSION "\"} 1\n");
}

static void write_page(const struct scrape *scrape)
{
    for (size_t id = 0; id < METRIC_COUNT; id++)
        write_metric(scrape, id);
    write_process(scrape);
}

void metrics_write(struct buffer *out, struct metrics_shard *const *shards, size_t count,
                   const char *(*code_name)(unsigned code))
{
    const struct scrape scrape = {
        .out = out, .shards = shards, .count = count, .code_name = code_name};
    write_page(&scrape);
}

void metrics_write_open(struct buffer *out, struct metrics_shard *const *shards,
                        size_t count, const char *(*code_name)(unsigned code))
{
    const struct scrape scrape = {.out = out,
                                  .shards = shards,
                                  .count = count,
                                  .code_name = code_name,
                                  .is_open = true};
    write_page(&scrape);
}

void metrics_end_open(struct buffer *out)
{
    buffer_append_text(out, "# EOF\n");
}
