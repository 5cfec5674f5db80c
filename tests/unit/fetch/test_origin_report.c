/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/origin_report.h: the busiest, in bounded room, summed over workers. */
#include "fetch/origin_report.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct origin_row rows[4096];
static size_t left_off;

static struct origin made(const char *host, unsigned running, unsigned waiting)
{
    struct origin origin = {.target = {.scheme = "http", .port = 80}};
    snprintf(origin.target.host, sizeof origin.target.host, "%s", host);
    origin.gate.running = running;
    origin.gate.waiting = waiting;
    return origin;
}

static size_t merge(const struct origin_report *const *reports, size_t count, size_t most)
{
    return origin_report_merge(reports, count, rows, most, &left_off);
}

Test(origin_report, a_row_has_the_name_and_the_figures)
{
    struct origin_report *report = origin_report_new();
    struct origin origin = made("api.example", 2, 3);
    origin.tally = (struct origin_tally){
        .ended = 10, .failed = 4, .cancelled = 1, .us = 5000, .last_ms = 99};
    origin_report_add(report, &origin, 77);
    const struct origin_report *const all[] = {report};
    cr_assert(eq(sz, merge(all, 1, 10), 1));
    cr_assert(eq(str, rows[0].name, "http://api.example:80"));
    cr_assert(rows[0].in_flight == 2 && rows[0].waiting == 3 && rows[0].circuit == 77);
    cr_assert(rows[0].tally.ended == 10 && rows[0].tally.failed == 4);
    cr_assert(rows[0].tally.cancelled == 1 && rows[0].tally.us == 5000);
    free(report);
}

Test(origin_report, the_longest_names_have_room)
{
    struct origin_report *report = origin_report_new();
    struct origin origin = made("::1", 1, 0);
    snprintf(origin.target.scheme, sizeof origin.target.scheme, "https");
    origin.target.port = 65535;
    origin_report_add(report, &origin, 0);
    memset(origin.target.host, ':', sizeof origin.target.host - 1);
    memset(origin.target.scheme, 's', sizeof origin.target.scheme - 1);
    origin_report_add(report, &origin, 0);
    cr_assert(eq(str, report->rows[0].name, "https://[::1]:65535"));
    cr_assert(eq(str, strrchr(report->rows[1].name, ']'), "]:65535"));
    free(report);
}

Test(origin_report, what_no_call_ever_came_to_is_left_out)
{
    struct origin_report *report = origin_report_new();
    struct origin origin = made("refused.example", 0, 0);
    origin_report_add(report, &origin, 0);
    const struct origin_report *const all[] = {report};
    cr_assert(eq(sz, merge(all, 1, 10), 0));
    cr_assert(report->known == 1 && left_off == 0);
    origin.tally.cancelled = 1;
    origin_report_add(report, &origin, 0);
    cr_assert(eq(sz, merge(all, 1, 10), 1));
    free(report);
}

Test(origin_report, busy_ones_come_first_then_recent_ones_then_those_with_most_calls)
{
    struct origin_report *report = origin_report_new();
    struct origin origins[5] = {made("e", 0, 0), made("d", 0, 0), made("c", 0, 0),
                                made("b", 1, 0), made("a", 0, 2)};
    for (unsigned i = 0; i < 5; i++)
        origins[i].tally = (struct origin_tally){.ended = 1, .last_ms = 1000};
    origins[2].tally = (struct origin_tally){.ended = 1, .last_ms = 2000};
    origins[1].tally = (struct origin_tally){.ended = 5, .last_ms = 1999};
    for (unsigned i = 0; i < 5; i++)
        origin_report_add(report, &origins[i], 0);
    const struct origin_report *const all[] = {report};
    cr_assert(eq(sz, merge(all, 1, 10), 5));
    for (unsigned i = 0; i < 5; i++)
        cr_assert(rows[i].name[strlen("http://")] == (char)('a' + i), "%s", rows[i].name);
    cr_assert(eq(sz, merge(all, 1, 2), 2));
    cr_assert(eq(sz, left_off, 3));
    free(report);
}

Test(origin_report, of_any_number_in_any_order_the_busiest_are_kept)
{
    enum { MANY = 3000 };
    static const unsigned steps[] = {1, 2999, 7, 1501, 77}; /* coprime to 3000 */
    for (size_t at = 0; at < sizeof steps / sizeof *steps; at++) {
        struct origin_report *report = origin_report_new();
        for (unsigned i = 0; i < MANY; i++) {
            unsigned busy = (i * steps[at]) % MANY + 1;
            char host[32];
            snprintf(host, sizeof host, "h%u", i);
            struct origin origin = made(host, busy, 0);
            origin_report_add(report, &origin, 0);
        }
        const struct origin_report *const all[] = {report};
        cr_assert(eq(sz, report->count, ORIGIN_REPORT_ROWS));
        cr_assert(eq(sz, merge(all, 1, 100), 100));
        cr_assert(eq(sz, left_off, MANY - 100));
        for (unsigned i = 1; i < 100; i++)
            cr_assert(rows[i - 1].in_flight >= rows[i].in_flight);
        cr_assert(eq(u64, rows[99].in_flight, MANY - 99));
        free(report);
    }
}

Test(origin_report, one_origin_of_several_workers_is_summed_and_the_reports_stay)
{
    struct origin_report *reports[2] = {origin_report_new(), origin_report_new()};
    struct origin both = made("both", 1, 1), own = made("own", 3, 0);
    both.tally = (struct origin_tally){
        .ended = 2, .failed = 1, .cancelled = 3, .us = 10, .last_ms = 5000};
    origin_report_add(reports[0], &both, 9);
    both.tally.last_ms = 7000;
    origin_report_add(reports[1], &both, 9);
    origin_report_add(reports[1], &own, 0);
    const struct origin_report *const all[] = {reports[0], reports[1]};
    for (int i = 0; i < 2; i++) {
        cr_assert(eq(sz, merge(all, 2, 10), 2));
        cr_assert(eq(sz, left_off, 0));
        cr_assert(eq(str, rows[0].name, "http://both:80"));
        cr_assert(rows[0].in_flight == 2 && rows[0].waiting == 2 && rows[0].circuit == 9);
        cr_assert(rows[0].tally.ended == 4 && rows[0].tally.failed == 2);
        cr_assert(rows[0].tally.cancelled == 6 && rows[0].tally.us == 20);
        cr_assert(eq(u64, rows[0].tally.last_ms, 7000));
    }
    free(reports[0]);
    free(reports[1]);
}

Test(origin_report, of_no_reports_there_are_no_rows)
{
    cr_assert(eq(sz, merge(NULL, 0, 10), 0));
    cr_assert(eq(sz, left_off, 0));
}
