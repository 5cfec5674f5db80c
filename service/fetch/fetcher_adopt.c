/* SPDX-License-Identifier: Apache-2.0 */
/* A fetcher and the configuration that changes under it. Called by fetcher.c and, for a
 * reload, by the worker between two turns. */
#include "fetch/fetcher_state.h"

#include <stdint.h>

struct transport *fetcher_make_transport(struct fetcher *fetcher)
{
    const struct transport_setup setup = {
        .loop = fetcher->setup.loop,
        .budgets = fetcher->setup.budgets,
        .metrics = fetcher->setup.metrics,
        .taints = fetcher->setup.shared->taints,
    };
    return transport_new(&setup, fetcher->snapshot);
}

static void change_transport(struct fetcher *fetcher)
{
    struct list *node;
    while ((node = list_pop_front(&fetcher->spare_transfers)) != NULL)
        transport_drop(container_of(node, struct transfer, node));
    fetcher->spare_transfer_count = 0;
    list_push_back(&fetcher->old_transports, &fetcher->transport->node);
    lanes_trim(fetcher->transport->lanes);
    fetcher->transport = fetcher_make_transport(fetcher);
}

void fetcher_adopt(struct fetcher *fetcher, struct snapshot *snapshot)
{
    struct snapshot *previous = fetcher->snapshot;
    fetcher->snapshot = snapshot_hold(snapshot);
    fetcher->openings_seen = UINT64_MAX; /* of other circuits, perhaps */
    origins_adopt(fetcher->origins, snapshot_everybody(snapshot)->guard,
                  (unsigned)snapshot->config->fetch.per_origin);
    resolver_adopt(fetcher->resolver, snapshot->config);
    if (!transport_suits(fetcher->transport, snapshot))
        change_transport(fetcher);
    if (fetcher->span_export)
        span_export_adopt(fetcher->span_export, snapshot->tls_store);
    snapshot_release(previous);
}

void fetcher_sweep_old(struct fetcher *fetcher)
{
    struct list *node, *next;
    for (node = fetcher->old_transports.next; node != &fetcher->old_transports;
         node = next) {
        struct transport *old = container_of(node, struct transport, node);
        next = node->next;
        lanes_trim(old->lanes);
        (void)lanes_sweep(old->lanes);
        if (old->transfers > 0)
            continue;
        list_remove(node);
        transport_free(old);
    }
}

bool fetcher_has_old_work(const struct fetcher *fetcher)
{
    const struct list *node;
    for (node = fetcher->old_transports.next; node != &fetcher->old_transports;
         node = node->next) {
        if (lanes_has_work(
                container_of((struct list *)(uintptr_t)node, struct transport, node)
                    ->lanes))
            return true;
    }
    return false;
}
