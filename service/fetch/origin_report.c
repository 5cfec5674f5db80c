/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded selection: a heap whose root is the least busy of what was taken, so that an
 * origin that does not matter costs one comparison. Filled by fetcher_report, on the
 * worker's thread; merged by whoever answers. */
#include "fetch/origin_report.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By what rows are ranked. */
struct rank {
    uint64_t busy;
    uint64_t last_s;
    uint64_t calls;
};

static struct rank rank_of(uint64_t in_flight, uint64_t waiting,
                           const struct origin_tally *tally)
{
    return (struct rank){.busy = in_flight + waiting,
                         .last_s = tally->last_ms / 1000,
                         .calls = tally->ended + tally->cancelled};
}

static struct rank rank_of_row(const struct origin_row *row)
{
    return rank_of(row->in_flight, row->waiting, &row->tally);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare(const struct rank *a, const struct rank *b)
{
    int order = compare_numbers(a->busy, b->busy);
    if (order == 0)
        order = compare_numbers(a->last_s, b->last_s);
    return order ? order : compare_numbers(a->calls, b->calls);
}

static bool is_less(const struct origin_report *report, size_t a, size_t b)
{
    struct rank rank_a = rank_of_row(&report->rows[report->heap[a]]);
    struct rank rank_b = rank_of_row(&report->rows[report->heap[b]]);
    return compare(&rank_a, &rank_b) < 0;
}

static void swap(struct origin_report *report, size_t a, size_t b)
{
    uint16_t row = report->heap[a];
    report->heap[a] = report->heap[b];
    report->heap[b] = row;
}

static void sift_up(struct origin_report *report, size_t at)
{
    while (at > 0 && is_less(report, at, (at - 1) / 2)) {
        swap(report, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct origin_report *report)
{
    size_t at = 0;
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
            if (child < report->count && is_less(report, child, least))
                least = child;
        }
        if (least == at)
            return;
        swap(report, at, least);
        at = least;
    }
}

static void fill(struct origin_row *row, const struct origin *origin, uint64_t circuit)
{
    const struct target *target = &origin->target;
    bool has_colons = strchr(target->host, ':') != NULL;
    snprintf(row->name, sizeof row->name, "%s://%s%s%s:%u", target->scheme,
             has_colons ? "[" : "", target->host, has_colons ? "]" : "",
             (unsigned)target->port);
    row->circuit = circuit;
    row->in_flight = origin->gate.running;
    row->waiting = origin->gate.waiting;
    row->tally = origin->tally;
}

struct origin_report *origin_report_new(void)
{
    return memory_new(sizeof(struct origin_report));
}

void origin_report_add(struct origin_report *report, const struct origin *origin,
                       uint64_t circuit)
{
    struct rank mine =
        rank_of(origin->gate.running, origin->gate.waiting, &origin->tally);
    report->known++;
    if (mine.busy == 0 && mine.calls == 0)
        return; /* refused by the egress policy, say */
    report->used++;
    if (report->count < ORIGIN_REPORT_ROWS) {
        size_t at = report->count++;
        report->heap[at] = (uint16_t)at;
        fill(&report->rows[at], origin, circuit);
        sift_up(report, at);
        return;
    }
    struct rank least = rank_of_row(&report->rows[report->heap[0]]);
    if (compare(&mine, &least) <= 0)
        return;
    fill(&report->rows[report->heap[0]], origin, circuit);
    sift_down(report);
}

/* ----------------------------------------------------------------------------- merging
 */

/* What rows of one name add up to. The rows stay as they are: others may read them. */
struct sum {
    const struct origin_row *row; /* the first of them */
    uint64_t in_flight;
    uint64_t waiting;
    struct origin_tally tally;
};

static int by_name(const void *a, const void *b)
{
    const struct sum *sum_a = a;
    const struct sum *sum_b = b;
    return strcmp(sum_a->row->name, sum_b->row->name);
}

static int by_rank(const void *a, const void *b)
{
    const struct sum *sum_a = a;
    const struct sum *sum_b = b;
    struct rank rank_a = rank_of(sum_a->in_flight, sum_a->waiting, &sum_a->tally);
    struct rank rank_b = rank_of(sum_b->in_flight, sum_b->waiting, &sum_b->tally);
    int order = compare(&rank_b, &rank_a);
    return order ? order : by_name(a, b);
}

static void add(struct sum *sum, const struct sum *more)
{
    sum->in_flight += more->in_flight;
    sum->waiting += more->waiting;
    sum->tally.ended += more->tally.ended;
    sum->tally.failed += more->tally.failed;
    sum->tally.cancelled += more->tally.cancelled;
    sum->tally.us += more->tally.us;
    if (more->tally.last_ms > sum->tally.last_ms)
        sum->tally.last_ms = more->tally.last_ms;
}

/* Adds neighbours of one name to the first of them; returns how many are left. */
static size_t fold(struct sum *sums, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && by_name(&sums[kept - 1], &sums[i]) == 0)
            add(&sums[kept - 1], &sums[i]);
        else
            sums[kept++] = sums[i];
    }
    return kept;
}

static size_t gather(const struct origin_report *const *reports, size_t report_count,
                     struct sum *sums)
{
    size_t count = 0;
    for (size_t i = 0; i < report_count; i++) {
        for (size_t at = 0; at < reports[i]->count; at++) {
            const struct origin_row *row = &reports[i]->rows[at];
            sums[count++] = (struct sum){.row = row,
                                         .in_flight = row->in_flight,
                                         .waiting = row->waiting,
                                         .tally = row->tally};
        }
    }
    return count;
}

size_t origin_report_merge(const struct origin_report *const *reports,
                           size_t report_count, struct origin_row *ret_rows, size_t most,
                           size_t *ret_left_off)
{
    size_t left_off = 0, count = 0;
    for (size_t i = 0; i < report_count; i++) {
        left_off += reports[i]->used - reports[i]->count;
        count += reports[i]->count;
    }
    struct sum *sums = memory_new((count + 1) * sizeof *sums);
    count = gather(reports, report_count, sums);
    qsort(sums, count, sizeof *sums, by_name);
    count = fold(sums, count);
    qsort(sums, count, sizeof *sums, by_rank);
    size_t taken = count < most ? count : most;
    for (size_t i = 0; i < taken; i++) {
        ret_rows[i] = *sums[i].row;
        ret_rows[i].in_flight = sums[i].in_flight;
        ret_rows[i].waiting = sums[i].waiting;
        ret_rows[i].tally = sums[i].tally;
    }
    free(sums);
    *ret_left_off = left_off + count - taken;
    return taken;
}
