/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/fetcher_report.c and the tallies of origins: what the live document says of them
 * is what their calls did. */
#include "fetch_rig.h"

#include "fetch/origin_report.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static struct rig *rig;
static struct origin_report *report;

static void start(void)
{
    rig = rig_new(false, (const char *const[]){"fetch.per_origin=2", NULL});
}

static void end(void)
{
    free(report);
    report = NULL;
    rig_free(rig);
}

TestSuite(fetcher_report, .init = start, .fini = end, .timeout = 60);

/* The row of the rig's server. */
static const struct origin_row *row(void)
{
    static const struct origin_row none;
    size_t cursor = 0;
    free(report);
    report = origin_report_new();
    while (fetcher_report_origins(rig->fetcher, report, &cursor))
        ;
    for (size_t i = 0; i < report->count; i++) {
        if (strstr(report->rows[i].name, "http://127.0.0.1:") == report->rows[i].name)
            return &report->rows[i];
    }
    return &none;
}

Test(fetcher_report, what_ended_is_counted_once_and_what_failed_too)
{
    (void)rig_fetch(rig, "/ok");
    (void)rig_fetch(rig, "/close");
    (void)rig_fetch(rig, "/delay/50");
    const struct origin_tally *tally = &row()->tally;
    cr_assert(eq(u64, tally->ended, 3));
    cr_assert(eq(u64, tally->failed, 1));
    cr_assert(eq(u64, tally->cancelled, 0));
    cr_assert(tally->us >= 50000 && tally->us < 10000000, "%lu",
              (unsigned long)tally->us);
    cr_assert(gt(u64, tally->last_ms, 0));
}

Test(fetcher_report, each_redirect_is_a_call)
{
    struct rig_call *made = rig_call(rig, "/to/302//ok");
    made->call.redirects = 1;
    fetcher_start(rig->fetcher, &made->call);
    rig_run(rig, 1);
    cr_assert(eq(u64, row()->tally.ended, 2));
    cr_assert(eq(u64, row()->tally.failed, 0));
}

Test(fetcher_report, what_runs_and_what_waits_is_told_and_then_that_it_was_given_up)
{
    struct rig_call *calls[3];
    for (int i = 0; i < 3; i++)
        calls[i] = rig_start(rig, "/hang");
    rig_run_ms(rig, 50);
    cr_assert(eq(u64, row()->in_flight, 2));
    cr_assert(eq(u64, row()->waiting, 1));
    for (int i = 0; i < 3; i++)
        fetcher_cancel(rig->fetcher, &calls[i]->call);
    rig_run_ms(rig, 50);
    cr_assert(row()->in_flight == 0 && row()->waiting == 0);
    cr_assert(eq(u64, row()->tally.cancelled, 2)); /* the third one had no slot */
    cr_assert(eq(u64, row()->tally.ended, 0));
}

Test(fetcher_report, a_call_that_ran_out_of_time_has_failed)
{
    struct rig_call *made = rig_call(rig, "/hang");
    made->call.timeout_ms = 50;
    fetcher_start(rig->fetcher, &made->call);
    rig_run(rig, 1);
    cr_assert(row()->tally.ended == 1 && row()->tally.failed == 1);
    cr_assert(eq(u64, row()->tally.cancelled, 0));
}
