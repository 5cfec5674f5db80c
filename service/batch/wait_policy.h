/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch waits for, and whether it got it. Pure: counts in, verdict out.
 *
 *     until        ends when          complete when            asyncio
 *     "all"        every item is done  no required item failed  gather
 *     "firstDone"  one item is done    that one is ok           wait(FIRST_COMPLETED)
 *     "firstOk"    one item is ok      one is ok                as_completed, broken off
 *     {"ok": n}    n items are ok      n are ok
 *
 * and with failFast also when a required item failed (TaskGroup, wait(FIRST_EXCEPTION)).
 *
 * ok: without `error` in its response, whatever the upstream's status says. required: not
 * `optional`. An optional item counts like any other for firstDone, firstOk and
 * {"ok": n}.
 *
 * When so many have failed that n can no longer be reached, the batch runs on until all
 * are done, as without a policy: who asks for n mirrors or quorum members gets what there
 * is, in `responses`, and reads in `complete` that it is too little. It is the deadline
 * that bounds it, or failFast for those who do not want the rest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wait_until { WAIT_ALL, WAIT_FIRST_DONE, WAIT_OK };

struct wait_policy {
    enum wait_until until; /* zero: all */
    uint32_t ok_needed;    /* of WAIT_OK, at least 1; "firstOk" is 1 */
    bool fails_fast;
};

/* Of a batch's items so far. */
struct wait_counts {
    size_t total;
    size_t done;
    size_t ok;
    size_t required_failed; /* those not optional */
    bool first_is_ok;       /* the one that was done first */
};

enum wait_verdict {
    WAIT_GO_ON,
    WAIT_DONE,   /* every item is */
    WAIT_ENOUGH, /* what was waited for has come; the rest is not needed */
    WAIT_FAILED, /* a required item failed, and the batch fails fast */
};

/* wait_judge is to be asked after each item that ended by itself: whether the batch ends
 * with it. */
enum wait_verdict wait_judge(const struct wait_policy *policy,
                             const struct wait_counts *counts);

/* wait_is_complete: what was waited for has come; asked when the batch has ended. */
bool wait_is_complete(const struct wait_policy *policy, const struct wait_counts *counts);
