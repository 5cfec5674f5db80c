/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a transfer: made once, prepared, run in a lane, judged, recycled. The
 * handle is kept because curl_easy_init and the constant options cost as much as a tenth
 * of a fetch; the buffers are kept while they are small. Called by
 * flight.c and flight_attempt.c. */
#include "fetch/transfer.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

enum { KEEP_BODY_BYTES = 16 * 1024, KEEP_HEADER_NODES = 64 };

struct transfer *transfer_new(const struct transfer_setup *setup)
{
    struct transfer *transfer = memory_new(sizeof *transfer);
    transfer->setup = setup;
    lane_user_init(&transfer->user);
    reply_head_init(&transfer->head, setup->config->fetch.headers_max_bytes);
    buffer_init(&transfer->body, 0);
    /* The request's headers were capped with the batch; the ceiling is only a backstop.
     */
    buffer_init(&transfer->header_text, setup->config->server.request_max_bytes + 4096);
    transfer->easy = curl_easy_init();
    if (transfer->easy && transfer_set_constants(transfer))
        return transfer;
    transfer_free(transfer);
    return NULL;
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    assert(!transfer->lane && list_is_empty(&transfer->user.sockets));
    transfer_recycle(transfer);
    curl_easy_cleanup(transfer->easy);
    reply_head_done(&transfer->head);
    buffer_done(&transfer->body);
    buffer_done(&transfer->header_text);
    free(transfer->header_nodes);
    free(transfer);
}

bool transfer_prepare(struct transfer *transfer, const struct transfer_request *request,
                      struct call *call, struct clock_marks *marks)
{
    transfer->request = *request;
    transfer->call = call;
    transfer->marks = marks;
    transfer->is_idempotent = call_method_is_idempotent(request->method);
    transfer->body.max = request->body_max_bytes;
    if (request->pin)
        memccpy(transfer->pin, request->pin, '\0', sizeof transfer->pin);
    transfer->request.pin = transfer->pin;
    bool is_set = transfer_set_request(transfer);
    transfer->request.trace = NULL;
    return is_set;
}

void transfer_disown(struct transfer *transfer)
{
    transfer->call = NULL;
    transfer->request.body = slice_make(NULL, 0);
    transfer->request.guard = NULL; /* the call's policy goes with it */
}

void transfer_recycle(struct transfer *transfer)
{
    if (transfer->accounted)
        budget_give(&transfer->setup->budgets->reply_bytes, transfer->accounted);
    decoder_free(transfer->decoder);
    transfer->decoder = NULL;
    reply_head_clear(&transfer->head);
    if (transfer->body.cap > KEEP_BODY_BYTES)
        buffer_done(&transfer->body);
    else
        buffer_clear(&transfer->body);
    if (transfer->header_nodes_cap > KEEP_HEADER_NODES) {
        free(transfer->header_nodes);
        transfer->header_nodes = NULL;
        transfer->header_nodes_cap = 0;
    }
    transfer->call = NULL;
    transfer->marks = NULL;
    transfer->request = (struct transfer_request){0};
    transfer->body_sent = 0;
    transfer->tries = 0;
    transfer->is_lost = false;
    transfer->is_opened = false;
    transfer->is_short = false;
    transfer->is_begun = false;
    transfer->is_closed = false;
    transfer->ready_us = 0;
    transfer->begun_us = 0;
    transfer->fault = CALL_OK;
    transfer->fault_text = NULL;
    transfer->accounted = 0;
    transfer->error_text[0] = '\0';
}
