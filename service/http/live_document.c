/* SPDX-License-Identifier: Apache-2.0 */
/* Written by hand, member by member in the order of openapi.yaml. Called by
 * handle_live.c. */
#include "http/live_document.h"

#include "base/json_text.h"
#include "base/memory.h"
#include "fetch/call_code.h"
#include "http/readiness.h"
#include "metrics/metrics_read.h"

#include <stdlib.h>

static uint64_t total(const struct live_facts *facts, enum metric_id id, unsigned label)
{
    const struct process_state *state = facts->setup->state;
    return metrics_total(state->shards, state->shard_count, id, label);
}

/* `,"name":value`, without the comma behind an opening brace. */
static void put(struct buffer *out, const char *name, uint64_t value)
{
    if (out->len > 0 && out->data[out->len - 1] != '{')
        buffer_append_byte(out, ',');
    buffer_append_format(out, "\"%s\":%llu", name, (unsigned long long)value);
}

static void put_us_as_ms(struct buffer *out, const char *name, double us)
{
    buffer_append_format(out, ",\"%s\":%.3f", name, us / 1000);
}

static void write_head(struct buffer *out, const struct live_facts *facts)
{
    const struct process_state *state = facts->setup->state;
    buffer_append_text(out, "{\"version\":");
    json_text_append_string(out, slice_from(state->version));
    put(out, "startedAtMs", state->started_at_ms);
    put(out, "uptimeMs", facts->now_ms - state->started_ms);
    put(out, "nowMs", facts->now_at_ms);
    buffer_append_format(out, ",\"state\":\"%s\",\"configuration\":{",
                         readiness_name(readiness_of(facts->setup)));
    put(out, "generation", atomic_load(&state->config_generation));
    put(out, "loadedAtMs", atomic_load(&state->config_loaded_at_ms));
    buffer_append_byte(out, '}');
}

static void write_batches(struct buffer *out, const struct live_facts *facts)
{
    uint64_t ends[BATCH_RESULT_COUNT];
    uint64_t all = 0;
    for (unsigned i = 0; i < BATCH_RESULT_COUNT; i++) {
        ends[i] = total(facts, METRIC_BATCHES, i);
        all += ends[i];
    }
    buffer_append_text(out, ",\"batches\":{");
    put(out, "inFlight", total(facts, METRIC_BATCHES_IN_FLIGHT, 0));
    put(out, "total", all);
    put(out, "complete", ends[BATCH_COMPLETE]);
    put(out, "partial", ends[BATCH_PARTIAL]);
    put(out, "gone", ends[BATCH_GONE]);
    put(out, "refused", ends[BATCH_REFUSED]);
    buffer_append_byte(out, '}');
}

static void write_items(struct buffer *out, const struct live_facts *facts)
{
    uint64_t ends[ITEM_CODE_COUNT];
    uint64_t all = 0;
    for (unsigned i = 0; i < ITEM_CODE_COUNT; i++) {
        ends[i] = total(facts, METRIC_ITEMS, i);
        all += ends[i];
    }
    buffer_append_text(out, ",\"items\":{");
    put(out, "inFlight", total(facts, METRIC_ITEMS_IN_FLIGHT, 0));
    put(out, "queued", total(facts, METRIC_ITEMS_QUEUED, 0));
    put(out, "total", all);
    buffer_append_text(out, ",\"byCode\":{");
    for (unsigned i = 0; i < ITEM_CODE_COUNT; i++) {
        if (ends[i] > 0)
            put(out, call_code_row((enum call_code)i)->name, ends[i]);
    }
    buffer_append_text(out, "}}");
}

static void write_histogram(struct buffer *out, const struct live_facts *facts,
                            enum metric_id id, unsigned label)
{
    const struct process_state *state = facts->setup->state;
    struct metrics_histogram histogram;
    metrics_histogram(state->shards, state->shard_count, id, label, &histogram);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double bound_ms = metrics_bound_ms(i);
        buffer_append_text(out, i ? ",[" : "[[");
        if (bound_ms >= 0)
            buffer_append_format(out, "%g", bound_ms);
        else
            buffer_append_text(out, "null");
        buffer_append_format(out, ",%llu]", (unsigned long long)histogram.counts[i]);
    }
    buffer_append_byte(out, ']');
}

static void write_latency(struct buffer *out, const struct live_facts *facts)
{
    buffer_append_text(out, ",\"latencyMs\":{\"batch\":");
    write_histogram(out, facts, METRIC_BATCH_SECONDS, 0);
    buffer_append_text(out, ",\"item\":");
    write_histogram(out, facts, METRIC_PHASE_SECONDS, PHASE_LABEL_TOTAL);
    buffer_append_byte(out, '}');
}

static void write_resources(struct buffer *out, const struct live_facts *facts)
{
    const struct budgets *budgets = facts->setup->budgets;
    buffer_append_text(out, ",\"connections\":{");
    put(out, "clients", atomic_load(&facts->setup->state->open_connections));
    put(out, "upstream", total(facts, METRIC_UPSTREAM_OPEN, 0));
    buffer_append_text(out, "},\"memory\":{");
    put(out, "replyBytes", budget_held(&budgets->reply_bytes));
    put(out, "replyBudget", budget_max(&budgets->reply_bytes));
    put(out, "requestBytes", budget_held(&budgets->request_bytes));
    put(out, "requestBudget", budget_max(&budgets->request_bytes));
    buffer_append_text(out, "},\"process\":{");
    put(out, "cpuMs", (uint64_t)(facts->process.cpu_seconds * 1000 + 0.5));
    put(out, "residentBytes", facts->process.resident_bytes);
    buffer_append_byte(out, '}');
}

/* ------------------------------------------------------------------------- workers */

static void write_worker(struct buffer *out, const struct live_facts *facts,
                         unsigned index)
{
    const struct live_part *part = &facts->parts[index];
    struct metrics_shard *const *shard = &facts->setup->state->shards[index];
    struct metrics_histogram turns;
    metrics_histogram(shard, 1, METRIC_LOOP_LAG_SECONDS, 0, &turns);
    buffer_append_byte(out, '{');
    put(out, "inFlight", metrics_total(shard, 1, METRIC_ITEMS_IN_FLIGHT, 0));
    put(out, "queued", metrics_total(shard, 1, METRIC_ITEMS_QUEUED, 0));
    put(out, "turns", turns.total);
    if (atomic_load_explicit(&part->is_here, memory_order_acquire)) {
        put(out, "busyMs", part->busy_us / 1000);
        put_us_as_ms(out, "loopLagMs", (double)part->lag_us);
        put(out, "clients", part->clients);
        put(out, "origins", part->origins->known);
    } else {
        /* Its turn has lasted for longer than anybody waited. */
        buffer_append_format(out,
                             ",\"busyMs\":null,\"loopLagMs\":%d,\"clients\":null,"
                             "\"origins\":null,\"missing\":true",
                             LIVE_WAIT_MS);
    }
    buffer_append_byte(out, '}');
}

static void write_workers(struct buffer *out, const struct live_facts *facts)
{
    buffer_append_text(out, ",\"workers\":[");
    for (unsigned i = 0; i < facts->part_count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        write_worker(out, facts, i);
    }
    buffer_append_byte(out, ']');
}

/* ------------------------------------------------------------------------- origins */

static const char *circuit_name(enum circuit_state state)
{
    static const char *const names[] = {
        [CIRCUIT_OFF] = "off",
        [CIRCUIT_CLOSED] = "closed",
        [CIRCUIT_HALF_OPEN] = "half_open",
        [CIRCUIT_OPEN] = "open",
    };
    return names[state];
}

static void write_circuits(struct buffer *out, const struct live_facts *facts)
{
    uint64_t open = 0;
    for (size_t i = 0; i < facts->circuits->count; i++)
        open += facts->circuits->items[i].state == CIRCUIT_OPEN;
    buffer_append_text(out, ",\"circuits\":{");
    put(out, "open", open);
    put(out, "halfOpen", facts->circuits->count - open);
    buffer_append_byte(out, '}');
}

static void write_origin(struct buffer *out, const struct live_facts *facts,
                         const struct origin_row *row)
{
    const struct origin_tally *tally = &row->tally;
    buffer_append_text(out, "{\"origin\":");
    json_text_append_any(out, slice_from(row->name));
    put(out, "inFlight", row->in_flight);
    put(out, "waiting", row->waiting);
    buffer_append_format(out, ",\"circuit\":\"%s\"",
                         circuit_name(circuit_list_state(facts->circuits, row->circuit)));
    put(out, "total", tally->ended);
    put(out, "failed", tally->failed);
    put(out, "cancelled", tally->cancelled);
    if (tally->ended > 0)
        put_us_as_ms(out, "meanMs", (double)tally->us / (double)tally->ended);
    else
        buffer_append_text(out, ",\"meanMs\":null");
    buffer_append_byte(out, '}');
}

static void write_origins(struct buffer *out, const struct live_facts *facts)
{
    const struct origin_report **reports =
        memory_new((facts->part_count + 1) * sizeof *reports);
    struct origin_row *rows = memory_new(LIVE_ORIGINS_MAX * sizeof *rows);
    size_t left_off = 0, reports_here = 0;
    for (unsigned i = 0; i < facts->part_count; i++) {
        if (atomic_load_explicit(&facts->parts[i].is_here, memory_order_acquire))
            reports[reports_here++] = facts->parts[i].origins;
    }
    size_t count =
        origin_report_merge(reports, reports_here, rows, LIVE_ORIGINS_MAX, &left_off);
    buffer_append_text(out, ",\"origins\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_byte(out, ',');
        write_origin(out, facts, &rows[i]);
    }
    buffer_append_byte(out, ']');
    put(out, "originsLeftOff", left_off);
    free(rows);
    free(reports);
}

void live_document_write(struct buffer *out, const struct live_facts *facts)
{
    write_head(out, facts);
    write_batches(out, facts);
    write_items(out, facts);
    write_latency(out, facts);
    write_resources(out, facts);
    write_circuits(out, facts);
    write_workers(out, facts);
    write_origins(out, facts);
    buffer_append_text(out, "}\n");
}
