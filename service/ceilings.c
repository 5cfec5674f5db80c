/* SPDX-License-Identifier: Apache-2.0 */
/* Called by serve.c at the start and by reload.c. */
#include "ceilings.h"

#include "base/log.h"

enum {
    RESERVED_DESCRIPTORS = 64, /* standard streams, signals, CA files, DNS sockets … */
    RESERVED_PER_WORKER = 24,  /* epoll sets, mailbox, the resolver's sockets */
};

bool ceilings_find(const struct config *config, unsigned workers,
                   struct ceilings *ret_ceilings, struct error *err)
{
    struct ceilings ceilings = {
        .files = descriptors_limit(),
        .reserve = RESERVED_DESCRIPTORS + (uint64_t)RESERVED_PER_WORKER * workers,
    };
    if (!descriptors_divide(ceilings.files, ceilings.reserve, config->fetch.max_in_flight,
                            config->server.max_connections, &ceilings.descriptors, err))
        return false;
    *ret_ceilings = ceilings;
    return true;
}

static void log_lowered(const struct ceilings *ceilings)
{
    struct log_line line;
    log_begin(&line, LOG_WARNING, "limits_lowered");
    log_text(&line, "message",
             "the limit of open files is below what fetch.max_in_flight and "
             "server.max_connections ask for");
    log_int(&line, "openFiles", (int64_t)ceilings->files);
    log_int(&line, "maxInFlight", (int64_t)ceilings->descriptors.max_in_flight);
    log_int(&line, "maxConnections", (int64_t)ceilings->descriptors.max_connections);
    log_end(&line);
}

void ceilings_use(const struct ceilings *ceilings, const struct config *config,
                  struct budgets *budgets)
{
    if (ceilings->descriptors.is_cut)
        log_lowered(ceilings);
    budget_set_max(&budgets->in_flight, ceilings->descriptors.max_in_flight);
    budget_set_max(&budgets->sockets, ceilings->files - ceilings->reserve -
                                          ceilings->descriptors.max_connections);
    budget_set_max(&budgets->reply_bytes, config->memory.reply_budget);
    budget_set_max(&budgets->request_bytes, config->memory.request_budget);
    retry_budget_change(&budgets->retries, config->fetch.retry_budget);
}
