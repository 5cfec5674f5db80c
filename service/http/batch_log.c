/* SPDX-License-Identifier: Apache-2.0 */
/* Called by the handlers of batches. */
#include "http/batch_log.h"

#include "base/log.h"

void batch_log(const struct exchange *exchange, const struct batch_log_entry *entry)
{
    if (!exchange_config(exchange)->log.access)
        return;
    const struct gather_summary *summary = entry->summary;
    char client[EXCHANGE_ADDRESS_SIZE];
    exchange_client_address(exchange, client);
    struct log_line line;
    log_begin(&line, LOG_INFO, "batch");
    log_text(&line, "requestId", exchange_request_id(exchange));
    log_text(&line, "client", client);
    if (entry->trace) {
        const struct trace_context *context = &entry->trace->context;
        log_slice(&line, "traceId", slice_make(context->trace_id, TRACE_ID_LEN));
        log_slice(&line, "spanId", slice_make(context->span_id, SPAN_ID_LEN));
    }
    if (*exchange_caller(exchange)->name)
        log_text(&line, "caller", exchange_caller(exchange)->name);
    if (entry->form)
        log_text(&line, "stream", entry->form);
    log_int(&line, "items", (int64_t)summary->total);
    log_int(&line, "ok", (int64_t)summary->ok);
    log_int(&line, "failed", (int64_t)summary->failed);
    log_int(&line, "status", entry->status);
    log_double(&line, "elapsedMs", summary->elapsed_ms);
    log_int(&line, "bytes", (int64_t)entry->bytes);
    if (entry->is_cut)
        log_text(&line, "cut", "the client went away");
    log_end(&line);
}
