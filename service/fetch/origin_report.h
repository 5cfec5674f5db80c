/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of the origins, the busiest first: a worker's own, and those of
 * several workers put together. Copies: nothing here points into a fetcher. Pure. */
#pragma once

#include "fetch/origin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ORIGIN_REPORT_ROWS = 200, /* of one worker: twice what is shown, so that what is
                                 summed over workers is there in nearly all cases */
    ORIGIN_REPORT_NAME = 16 + 3 + 256 + 2 + 6 + 1,
};

struct origin_row {
    char name[ORIGIN_REPORT_NAME]; /* "https://host:443", "http://[::1]:80" */
    uint64_t circuit;              /* circuits_origin; 0: breakers are off */
    uint64_t in_flight;
    uint64_t waiting;
    struct origin_tally tally;
};

struct origin_report {
    size_t known; /* origins looked at */
    size_t used;  /* of these, that calls had a slot of, or wait for one */
    size_t count; /* rows, in no order */
    struct origin_row rows[ORIGIN_REPORT_ROWS];
    uint16_t heap[ORIGIN_REPORT_ROWS]; /* of rows, the least busy first */
};

/* origin_report_new: empty; free() it. */
struct origin_report *origin_report_new(void);

/* origin_report_add takes the origin in if it is used and among the busiest: those with
 * most calls running and waiting, then those whose last call ended last, by the second,
 * then those that had most. */
void origin_report_add(struct origin_report *report, const struct origin *origin,
                       uint64_t circuit);

/* origin_report_merge sums rows of one name over the reports, writes the `most` busiest,
 * those first, to `ret_rows`, and returns how many; *ret_left_off: how many more are
 * used, where one that several workers know may count more than once. */
size_t origin_report_merge(const struct origin_report *const *reports,
                           size_t report_count, struct origin_row *ret_rows, size_t most,
                           size_t *ret_left_off);
