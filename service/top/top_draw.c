/* SPDX-License-Identifier: Apache-2.0 */
/* From top to bottom: who it is, batches, items, outcomes, what is held, the workers, the
 * origins, the keys. 80 × 24 hold all of it with two workers and ten origins; where there
 * are fewer lines, workers give way first. Called by top.c. */
#include "top/top_draw.h"

#include "run/run_text.h"
#include "top/pen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    LABEL = 10,        /* columns of the first column of the upper lines … */
    FIGURE = 11,       /* … and of each figure of their table */
    FIXED = 9,         /* lines besides workers and origins, the keys' among them */
    ORIGINS_LEAST = 5, /* lines for origins that workers leave */
    BAR = 10,
    RATE = 9,
    NUMBER = 8,
    SHARE = 7,
    MEAN = 9,
    FIGURES = RATE + 2 * NUMBER + SHARE + MEAN + 11, /* behind an origin's name */
    NAME_LEAST = 20,
};

static void rate_text(double rate, char text[RUN_TEXT_MAX])
{
    if (rate > 0 && rate < 99.95)
        snprintf(text, RUN_TEXT_MAX, "%.1f", rate);
    else
        run_text_count((uint64_t)(rate + 0.5), text);
}

static void put_label(struct pen *pen, const char *label)
{
    pen_field(pen, PEN_FAINT, slice_from(label), LABEL, false);
}

static void put_rate(struct pen *pen, bool is_known, double rate, int columns)
{
    char text[RUN_TEXT_MAX] = "-";
    if (is_known)
        rate_text(rate, text);
    pen_field(pen, PEN_PLAIN, slice_from(text), columns, true);
}

static void put_number(struct pen *pen, uint64_t number, int columns)
{
    char text[RUN_TEXT_MAX];
    run_text_count(number, text);
    pen_field(pen, PEN_PLAIN, slice_from(text), columns, true);
}

static void put_quantiles(struct pen *pen, const struct live_quantile *quantiles)
{
    for (size_t i = 0; i < LIVE_QUANTILES; i++) {
        char text[RUN_TEXT_MAX] = "-";
        char whole[RUN_TEXT_MAX + 1];
        if (quantiles[i].is_known)
            run_text_ms(quantiles[i].ms, text);
        snprintf(whole, sizeof whole, "%s%s", quantiles[i].is_over ? ">" : "", text);
        pen_field(pen, PEN_PLAIN, slice_from(whole), FIGURE, true);
    }
}

/* ----------------------------------------------------------------------- upper lines */

static enum pen_style state_style(const char *state)
{
    return strcmp(state, "ready") == 0 ? PEN_GOOD : PEN_BAD;
}

static void draw_head(struct pen *pen, const struct live_view *view,
                      const struct top_look *look)
{
    char up[RUN_TEXT_MAX];
    pen_put(pen, PEN_BOLD, slice_from("gatherd "));
    if (view) {
        run_text_span((double)view->uptime_ms, up);
        pen_put(pen, PEN_BOLD, slice_from(view->version));
        pen_put(pen, PEN_PLAIN, slice_from("   "));
        pen_put(pen, state_style(view->state), slice_from(view->state));
        pen_format(pen, PEN_PLAIN, "   up %s   configuration %" PRIu64 "   ", up,
                   view->generation);
    }
    pen_put(pen, PEN_FAINT, slice_from(look->address));
    pen_end(pen, PEN_PLAIN);
}

static void draw_flow(struct pen *pen, const struct live_view *view,
                      const struct live_change *change)
{
    static const char *const titles[] = {"/S", "RUNNING", "WAITING", "P50", "P90", "P99"};
    pen_field(pen, PEN_HEAD, slice_from(""), LABEL, false);
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        pen_field(pen, PEN_HEAD, slice_from(titles[i]), FIGURE, true);
    pen_end(pen, PEN_HEAD);
    put_label(pen, "batches");
    put_rate(pen, change->is_known, change->batches_per_s, FIGURE);
    put_number(pen, view->batches.in_flight, FIGURE);
    pen_field(pen, PEN_PLAIN, slice_from(""), FIGURE, true);
    put_quantiles(pen, change->batch_ms);
    pen_end(pen, PEN_PLAIN);
    put_label(pen, "items");
    put_rate(pen, change->is_known, change->items_per_s, FIGURE);
    put_number(pen, view->items.in_flight, FIGURE);
    put_number(pen, view->items.queued, FIGURE);
    put_quantiles(pen, change->item_ms);
    pen_end(pen, PEN_PLAIN);
}

/* The most first; what did not occur in the window is left out. */
static void draw_codes(struct pen *pen, const struct live_view *view,
                       const struct live_change *change)
{
    bool is_drawn[LIVE_VIEW_CODES] = {false};
    put_label(pen, "outcomes");
    for (size_t drawn = 0; drawn < view->code_count; drawn++) {
        size_t most = view->code_count;
        for (size_t i = 0; i < view->code_count; i++) {
            if (!is_drawn[i] && change->codes_per_s[i] > 0 &&
                (most == view->code_count ||
                 change->codes_per_s[i] > change->codes_per_s[most]))
                most = i;
        }
        if (most == view->code_count)
            break;
        is_drawn[most] = true;
        bool is_ok = strcmp(view->codes[most].name, "ok") == 0;
        char text[RUN_TEXT_MAX];
        rate_text(change->codes_per_s[most], text);
        pen_put(pen, is_ok ? PEN_GOOD : PEN_BAD, slice_from(view->codes[most].name));
        pen_format(pen, PEN_PLAIN, " %s/s   ", text);
    }
    if (change->refused_per_s > 0) {
        char text[RUN_TEXT_MAX];
        rate_text(change->refused_per_s, text);
        pen_format(pen, PEN_BAD, "batches refused %s/s", text);
    }
    pen_end(pen, PEN_PLAIN);
}

static enum pen_style budget_style(uint64_t held, uint64_t budget)
{
    return held >= budget - budget / 8 && budget > 0 ? PEN_BAD : PEN_PLAIN;
}

static void draw_held(struct pen *pen, const struct live_view *view,
                      const struct live_change *change)
{
    char memory[RUN_TEXT_MAX], replies[RUN_TEXT_MAX], requests[RUN_TEXT_MAX];
    run_text_bytes(view->resident_bytes, memory);
    run_text_bytes(view->reply_bytes, replies);
    run_text_bytes(view->request_bytes, requests);
    put_label(pen, "process");
    if (change->is_known)
        pen_format(pen, PEN_PLAIN, "cpu %.0f%%   ", change->cpus * 100);
    pen_format(pen, PEN_PLAIN, "memory %s   ", memory);
    pen_format(pen, budget_style(view->reply_bytes, view->reply_budget), "replies %s   ",
               replies);
    pen_format(pen, budget_style(view->request_bytes, view->request_budget),
               "requests %s", requests);
    pen_end(pen, PEN_PLAIN);
    put_label(pen, "sockets");
    pen_format(pen, PEN_PLAIN, "clients %" PRIu64 "   upstream %" PRIu64 "   ",
               view->clients, view->upstream);
    if (view->open + view->half_open > 0)
        pen_format(pen, view->open ? PEN_BAD : PEN_NOTE,
                   "circuits open %" PRIu64 ", half open %" PRIu64, view->open,
                   view->half_open);
    pen_end(pen, PEN_PLAIN);
}

/* --------------------------------------------------------------------------- workers */

static void draw_worker(struct pen *pen, const struct live_view *view,
                        const struct live_change *change, size_t index)
{
    const struct live_worker *worker = &view->workers[index];
    double busy = change->worker_busy[index];
    char lag[RUN_TEXT_MAX];
    run_text_ms(worker->loop_lag_ms, lag);
    pen_format(pen, PEN_FAINT, "worker %-3zu", index);
    pen_bar(pen, busy > 0.9 ? PEN_BAD : busy > 0.7 ? PEN_NOTE : PEN_GOOD, busy, BAR);
    pen_format(pen, PEN_PLAIN, "%4.0f%%", busy * 100);
    pen_format(pen, PEN_PLAIN, "  in flight %" PRIu64 "  queued %" PRIu64,
               worker->in_flight, worker->queued);
    pen_format(pen, worker->loop_lag_ms >= 50 ? PEN_BAD : PEN_PLAIN, "  lag %s", lag);
    if (worker->is_missing)
        pen_put(pen, PEN_BAD, slice_from("  does not answer"));
    else
        pen_format(pen, PEN_PLAIN, "  clients %" PRIu64, worker->clients);
    pen_end(pen, PEN_PLAIN);
}

static void draw_workers(struct pen *pen, const struct live_view *view,
                         const struct live_change *change, const struct top_look *look)
{
    size_t room = view->worker_count;
    int lines = look->rows - FIXED - ORIGINS_LEAST;
    if (look->rows > 0 && room > (size_t)(lines > 1 ? lines : 1))
        room = (size_t)(lines > 1 ? lines : 1);
    bool is_cut = room < view->worker_count;
    for (size_t i = 0; i < room - is_cut; i++)
        draw_worker(pen, view, change, i);
    if (!is_cut)
        return;
    pen_format(pen, PEN_FAINT, "and %zu more workers", view->worker_count - room + 1);
    pen_end(pen, PEN_PLAIN);
}

/* --------------------------------------------------------------------------- origins */

static int name_columns(const struct pen *pen)
{
    int columns = pen->columns - FIGURES;
    return columns > NAME_LEAST ? columns : NAME_LEAST;
}

static void draw_origin_head(struct pen *pen, const struct live_view *view)
{
    char title[64] = "ORIGIN";
    if (view->left_off > 0)
        snprintf(title, sizeof title, "ORIGIN (%" PRIu64 " more)", view->left_off);
    pen_field(pen, PEN_HEAD, slice_from(title), name_columns(pen), false);
    pen_field(pen, PEN_HEAD, slice_from("CALLS/S"), RATE, true);
    pen_field(pen, PEN_HEAD, slice_from("RUNNING"), NUMBER, true);
    pen_field(pen, PEN_HEAD, slice_from("WAITING"), NUMBER, true);
    pen_field(pen, PEN_HEAD, slice_from("FAILED"), SHARE, true);
    pen_field(pen, PEN_HEAD, slice_from("MEAN"), MEAN, true);
    pen_put(pen, PEN_HEAD, slice_from("  CIRCUIT"));
    pen_end(pen, PEN_HEAD);
}

static enum pen_style circuit_style(const char *circuit)
{
    if (strcmp(circuit, "open") == 0)
        return PEN_BAD;
    return strcmp(circuit, "half_open") == 0 ? PEN_NOTE : PEN_FAINT;
}

static void draw_origin(struct pen *pen, const struct live_origin *origin,
                        const struct live_origin_change *change)
{
    char failed[RUN_TEXT_MAX] = "-", mean[RUN_TEXT_MAX] = "-";
    bool has_calls = change->is_known && change->calls_per_s > 0;
    if (has_calls)
        snprintf(failed, sizeof failed, "%.1f%%", change->failed_share * 100);
    if (origin->total > 0)
        run_text_ms(change->mean_ms, mean);
    pen_field(pen, PEN_PLAIN, slice_from(origin->name), name_columns(pen) - 1, false);
    pen_put(pen, PEN_PLAIN, slice_from(" "));
    put_rate(pen, change->is_known, change->calls_per_s, RATE);
    put_number(pen, origin->in_flight, NUMBER);
    put_number(pen, origin->waiting, NUMBER);
    pen_field(pen, change->failed_share > 0 ? PEN_BAD : PEN_PLAIN, slice_from(failed),
              SHARE, true);
    pen_field(pen, PEN_PLAIN, slice_from(mean), MEAN, true);
    pen_put(pen, PEN_PLAIN, slice_from("  "));
    pen_put(pen, circuit_style(origin->circuit), slice_from(origin->circuit));
    pen_end(pen, PEN_PLAIN);
}

static void draw_origins(struct pen *pen, const struct live_view *view,
                         const struct live_change *change, const struct top_look *look)
{
    size_t places[LIVE_VIEW_ORIGINS];
    top_order(view, change, look->sort, look->is_reversed, places);
    draw_origin_head(pen, view);
    for (size_t i = look->skip; i < view->origin_count; i++) {
        if (pen_is_full(pen))
            return;
        draw_origin(pen, &view->origins[places[i]], &change->origins[places[i]]);
    }
    if (view->origin_count == 0) {
        pen_put(pen, PEN_FAINT, slice_from("none was called yet"));
        pen_end(pen, PEN_PLAIN);
    }
}

static void draw_foot(struct pen *pen, const struct top_look *look)
{
    if (look->trouble) {
        pen_put(pen, PEN_BAD, slice_from(look->trouble));
    } else {
        pen_put(pen, PEN_FAINT,
                slice_from("q quit   sort: b busy c calls f failed m mean n name   "
                           "r reverse   by "));
        pen_put(pen, PEN_BOLD, slice_from(top_sort_name(look->sort)));
    }
    pen_end(pen, PEN_PLAIN);
}

void top_draw(struct buffer *out, const struct live_view *view,
              const struct live_change *change, const struct top_look *look)
{
    struct pen pen = {.out = out,
                      .columns = look->columns,
                      .left = look->columns,
                      .lines_max = look->rows > 0 ? look->rows - 1 : 0,
                      .has_colours = look->has_colours};
    draw_head(&pen, view, look);
    if (view) {
        draw_flow(&pen, view, change);
        draw_codes(&pen, view, change);
        draw_held(&pen, view, change);
        draw_workers(&pen, view, change, look);
        draw_origins(&pen, view, change, look);
    }
    if (look->rows == 0)
        return;
    while (!pen_is_full(&pen))
        pen_end(&pen, PEN_PLAIN);
    pen.lines_max++;
    draw_foot(&pen, look);
}
