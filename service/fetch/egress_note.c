/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of the egress policy; writing lines about it is the process's part
 * (fetcher_setup.on_would_refuse). Called by fetcher.c and flight*.c, once for each hop
 * and question: its URL, and the addresses of its name. */
#include "fetch/egress_note.h"

#include "fetch/fetcher_state.h"

void egress_note_passed(struct fetcher *fetcher, const struct call *call,
                        const struct target *target, const char *text)
{
    if (!text)
        return;
    const struct egress_notice notice = {
        .flow = call->flow, .target = target, .text = text, .reason = guard_reason(text)};
    metrics_add(fetcher->setup.metrics, METRIC_EGRESS_WOULD_REFUSE, notice.reason, 1);
    if (fetcher->setup.on_would_refuse)
        fetcher->setup.on_would_refuse(fetcher->setup.context, &notice);
}

void egress_note_refused(struct fetcher *fetcher, const char *message)
{
    metrics_add(fetcher->setup.metrics, METRIC_EGRESS_REFUSED, guard_reason(message), 1);
}
