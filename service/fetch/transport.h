/* SPDX-License-Identifier: Apache-2.0 */
/* How requests travel under one configuration: the lanes with their connections, what was
 * verified and which TLS sessions there are, and the handles made for it. When a reload
 * changes what makes a connection (authorities, proxy, HTTP version, keep-alive …) a
 * worker gets another one, so nothing of the old is ever used for a new request; the old
 * one goes when its last attempt has ended. One worker's. */
#pragma once

#include "base/attributes.h"
#include "base/list.h"
#include "base/loop.h"
#include "fetch/budget.h"
#include "fetch/lane.h"
#include "fetch/snapshot.h"
#include "fetch/transfer.h"
#include "metrics/metrics.h"

#include <stdbool.h>
#include <stddef.h>

struct transport {
    struct list node; /* in fetcher.old_transports */
    struct transfer_setup setup;
    struct snapshot *snapshot; /* held */
    struct lanes *lanes;
    struct tls_verified *verified;
    struct tls_sessions *sessions; /* NULL: kept by libcurl */
    size_t transfers;
};

struct transport_setup {
    struct loop *loop;
    struct budgets *budgets;
    struct metrics_shard *metrics;
    struct taints *taints;
};

struct transport *transport_new(const struct transport_setup *setup,
                                struct snapshot *snapshot);
/* transport_free closes its connections; none of its transfers may be left. */
void transport_free(struct transport *transport);

/* transport_suits: requests under `snapshot` can travel by it. */
bool transport_suits(const struct transport *transport, const struct snapshot *snapshot);

/* transport_make: transfer_new. transport_drop: transfer_free, of any transport's. */
struct transfer *transport_make(struct transport *transport) MUST_CHECK;
void transport_drop(struct transfer *transfer);

static inline bool transport_is_of(const struct transport *transport,
                                   const struct transfer *transfer)
{
    return transfer->setup == &transport->setup;
}
