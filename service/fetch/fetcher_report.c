/* SPDX-License-Identifier: Apache-2.0 */
/* The origins of a worker for the live document, in slices: with 100,000 of them one walk
 * would stop the loop for some ten milliseconds. Called by http/live_desk.c, when
 * somebody looks. */
#include "fetch/fetcher_state.h"
#include "fetch/origin_report.h"

enum {
    REPORT_SLICE = 2048
}; /* buckets with as many origins at most, on average: 0.2 ms */

struct reporting {
    struct origin_report *report;
    const struct circuits *circuits;
};

static void visit(void *context, struct origin *origin)
{
    const struct reporting *reporting = context;
    if (reporting->circuits && origin->circuit == 0)
        origin->circuit = circuits_origin(reporting->circuits, &origin->target);
    origin_report_add(reporting->report, origin, origin->circuit);
}

bool fetcher_report_origins(struct fetcher *fetcher, struct origin_report *report,
                            size_t *cursor)
{
    struct reporting reporting = {.report = report,
                                  .circuits = fetcher->snapshot->circuits};
    return origins_walk(fetcher->origins, cursor, REPORT_SLICE, visit, &reporting);
}
