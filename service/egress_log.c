/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and limits; decides nothing about egress. Called by worker_parts.c for its
 * fetcher. */
#include "egress_log.h"

#include "base/log.h"
#include "fetch/flow.h"

void egress_log_init(struct egress_log *log)
{
    for (unsigned i = 0; i < EGRESS_REASON_COUNT; i++)
        log_class_init(&log->lines[i], 1, 1);
}

void egress_log_write(struct egress_log *log, const struct egress_notice *notice,
                      uint64_t now_us)
{
    struct log_line line;
    log_begin_class(&line, LOG_WARNING, "egress_would_refuse",
                    &log->lines[notice->reason], now_us);
    if (notice->flow->request_id)
        log_text(&line, "requestId", notice->flow->request_id);
    if (*notice->flow->caller->name)
        log_text(&line, "caller", notice->flow->caller->name);
    log_text(&line, "reason", notice->text);
    log_text(&line, "scheme", notice->target->scheme);
    log_text(&line, "host", notice->target->host);
    log_int(&line, "port", notice->target->port);
    log_end(&line);
}
