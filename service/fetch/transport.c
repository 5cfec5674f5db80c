/* SPDX-License-Identifier: Apache-2.0 */
/* Made at the start and by fetcher_adopt; handles are taken and given back by flight.c.
 */
#include "fetch/transport.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct transport *transport_new(const struct transport_setup *setup,
                                struct snapshot *snapshot)
{
    const struct config *config = snapshot->config;
    struct transport *transport = memory_new(sizeof *transport);
    const struct lanes_setup lanes = {
        .loop = setup->loop,
        .budgets = setup->budgets,
        .metrics = setup->metrics,
        .keep_alive_ms = config->fetch.keep_alive_ms,
        .multiplexes = config->fetch.http2,
        .taints = setup->taints,
    };
    transport->snapshot = snapshot_hold(snapshot);
    transport->lanes = lanes_new(&lanes);
    transport->verified = tls_verified_new(setup->loop);
    /* A TLS proxy's own connection is made with the same option, for the same target. */
    if (!transfer_has_tls_proxy(config))
        transport->sessions = tls_sessions_new(setup->loop);
    transport->setup = (struct transfer_setup){
        .loop = setup->loop,
        .lanes = transport->lanes,
        .config = config,
        .tls_store = snapshot->tls_store,
        .tls_verified = transport->verified,
        .tls_sessions = transport->sessions,
        .budgets = setup->budgets,
        .has_proxy = config->fetch.proxy && *config->fetch.proxy,
    };
    return transport;
}

void transport_free(struct transport *transport)
{
    if (!transport)
        return;
    assert(transport->transfers == 0);
    lanes_free(transport->lanes);
    tls_sessions_free(transport->sessions);
    tls_verified_free(transport->verified);
    snapshot_release(transport->snapshot);
    free(transport);
}

static bool is_same_text(const char *one, const char *other)
{
    return strcmp(one ? one : "", other ? other : "") == 0;
}

bool transport_suits(const struct transport *transport, const struct snapshot *snapshot)
{
    const struct config *own = transport->snapshot->config;
    const struct config *config = snapshot->config;
    return transport->snapshot->tls_store == snapshot->tls_store &&
           own->fetch.http2 == config->fetch.http2 &&
           own->fetch.keep_alive_ms == config->fetch.keep_alive_ms &&
           own->fetch.headers_max_bytes == config->fetch.headers_max_bytes &&
           own->server.request_max_bytes == config->server.request_max_bytes &&
           is_same_text(own->fetch.user_agent, config->fetch.user_agent) &&
           is_same_text(own->fetch.proxy, config->fetch.proxy) &&
           is_same_text(own->fetch.deadline_header, config->fetch.deadline_header);
}

struct transfer *transport_make(struct transport *transport)
{
    struct transfer *transfer = transfer_new(&transport->setup);
    transport->transfers += transfer != NULL;
    return transfer;
}

void transport_drop(struct transfer *transfer)
{
    struct transfer_setup *setup = (struct transfer_setup *)(uintptr_t)transfer->setup;
    struct transport *transport = container_of(setup, struct transport, setup);
    transfer_free(transfer);
    transport->transfers--;
}
