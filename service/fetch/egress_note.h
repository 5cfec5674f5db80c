/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and telling of what the egress policy says about calls: what it refused, and
 * in report mode what it would have. */
#pragma once

#include "fetch/call.h"
#include "fetch/guard.h"

/* What egress.mode: report let pass. Valid only while it is told. */
struct egress_notice {
    const struct flow *flow;
    const struct target *target;
    const char *text; /* the rule */
    enum egress_reason reason;
};

/* egress_note_passed: the policy allowed a call to go to `target`; `text` is what it left
 * in ret_reason. NULL, as outside of report mode: does nothing. */
void egress_note_passed(struct fetcher *fetcher, const struct call *call,
                        const struct target *target, const char *text);
/* egress_note_refused: a call ends with CALL_BLOCKED_… and this message. */
void egress_note_refused(struct fetcher *fetcher, const char *message);
