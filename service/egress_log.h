/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of egress.mode: report: what would have been refused, to whom, and by which
 * rule. At most one line a second and rule over all workers: a batch of 10,000 such items
 * must not become 10,000 lines; "heldBack" in the next one says how many those were. The
 * counters (egress_note.h) know them all. */
#pragma once

#include "base/log_class.h"
#include "fetch/egress_note.h"

struct egress_log {
    struct log_class lines[EGRESS_REASON_COUNT];
};

void egress_log_init(struct egress_log *log);
/* egress_log_write: any thread. The URL's path and query are not written. */
void egress_log_write(struct egress_log *log, const struct egress_notice *notice,
                      uint64_t now_us);
