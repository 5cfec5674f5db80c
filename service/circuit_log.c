/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and limits; decides nothing about circuits. Called by worker_parts.c for its
 * fetcher.
 */
#include "circuit_log.h"

#include "base/log.h"
#include "fetch/flow.h"

void circuit_log_init(struct circuit_log *log)
{
    log_class_init(&log->lines, 1, 1);
}

void circuit_log_write(struct circuit_log *log, const struct circuit_notice *notice,
                       uint64_t now_us)
{
    struct log_line line;
    log_begin_class(&line, LOG_WARNING, "circuit_opened", &log->lines, now_us);
    if (notice->flow->request_id)
        log_text(&line, "requestId", notice->flow->request_id);
    if (*notice->flow->caller->name)
        log_text(&line, "caller", notice->flow->caller->name);
    log_text(&line, "scheme", notice->target->scheme);
    log_text(&line, "host", notice->target->host);
    log_int(&line, "port", notice->target->port);
    log_int(&line, "openMs", (int64_t)notice->open_ms);
    log_end(&line);
}
