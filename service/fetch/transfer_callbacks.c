/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl tells while a transfer runs. Each callback records, checks a ceiling, and
 * at most stops the transfer with a reason of its own; none calls back into libcurl or
 * ends a call. They run inside curl_multi_socket_action only. */
#include "base/clock.h"
#include "fetch/lane_socket.h"
#include "fetch/transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <strings.h>

/* Replies up to the first step are not worth an atomic operation. Four times as large,
 * what 400 of them held uncounted was a third of a budget of 64 MiB. */
enum { ACCOUNT_STEP_BYTES = 16 * 1024 };

static void stop(struct transfer *transfer, enum call_code code, const char *reason)
{
    if (transfer->fault != CALL_OK)
        return; /* the first reason is the cause */
    transfer->fault = code;
    transfer->fault_text = reason;
}

static void enter(struct transfer *transfer, enum call_phase phase)
{
    uint64_t now_ms = transfer->setup->loop->now_ms;
    transfer->marks->active_ms = now_ms;
    if (phase == PHASE_WAITING)
        transfer->marks->sent_ms = now_ms;
    if (transfer->call)
        call_set_phase(transfer->call, phase);
}

static void note_bytes(struct transfer *transfer)
{
    transfer->marks->active_ms = transfer->setup->loop->now_ms;
    if (transfer->is_begun)
        return;
    transfer->is_begun = true;
    transfer->begun_us = clock_now_us();
    enter(transfer, PHASE_RECEIVING);
}

/* libcurl tells of a header line when it is whole, and the bytes of one may drip in for a
 * long time: a readable socket is the only sign of them. Not so for TLS, where it may be
 * a session ticket; there only what came of a reply already begun counts. */
void transfer_note_event(struct transfer *transfer)
{
    bool is_plain = transfer->request.target && !transfer->request.target->is_https;
    if (is_plain && transfer->call && transfer->call->phase == PHASE_WAITING)
        enter(transfer, PHASE_RECEIVING);
    else if (transfer->marks)
        transfer->marks->active_ms = transfer->setup->loop->now_ms;
}

void transfer_note_closed(struct transfer *transfer)
{
    transfer->is_closed = true;
}

/* A length over the cap needs no transfer to be refused. A coded body may be smaller or
 * larger once decoded, and some replies announce a body that does not come. */
static bool announces_too_much(struct transfer *transfer)
{
    const struct reply_head *head = &transfer->head;
    if (!reply_head_is_whole(head) || transfer->body.len > 0 || !head->has_length ||
        head->length <= transfer->body.max || head->has_content_encoding)
        return false;
    if (transfer->request.method == METHOD_HEAD || head->status == 204 ||
        head->status == 304)
        return false;
    stop(transfer, CALL_TOO_LARGE, "the body is larger than allowed");
    return true;
}

size_t transfer_on_header(char *line, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    note_bytes(transfer);
    switch (reply_head_line(&transfer->head, line, size * count)) {
    case HEAD_FINE:
        return announces_too_much(transfer) ? 0 : size * count;
    case HEAD_BAD:
        stop(transfer, CALL_BAD_REPLY, transfer->head.reason);
        break;
    case HEAD_TOO_LARGE:
        stop(transfer, CALL_HEADERS_TOO_LARGE, transfer->head.reason);
        break;
    }
    return 0;
}

/* The bytes of a reply, and of the windows it takes to decode it, are counted for the
 * process while they are held here. */
static bool account(struct transfer *transfer)
{
    size_t held = transfer->body.cap;
    /* Without a length it grew by halves: the block before is there until it is copied,
     * and leaves a hole in the heap (measured: a third more than the blocks). */
    if (transfer->decoder || !transfer->head.has_length)
        held += held / 2;
    if (transfer->decoder)
        held += decoder_bytes(transfer->decoder);
    while (held > transfer->accounted + ACCOUNT_STEP_BYTES) {
        if (!budget_take(&transfer->setup->budgets->reply_bytes, ACCOUNT_STEP_BYTES)) {
            /* Not `overloaded`, which promises that nothing was sent. */
            stop(transfer, CALL_TOO_LARGE,
                 "the gateway holds as many bytes of replies as memory.reply_budget lets "
                 "it");
            return false;
        }
        transfer->accounted += ACCOUNT_STEP_BYTES;
    }
    return true;
}

/* What is known before the first byte of the body: its coding, perhaps its length. */
static bool begin_body(struct transfer *transfer)
{
    const char *reason = NULL;
    struct reply_head *head = &transfer->head;
    if (head->has_content_encoding) {
        struct slice codings = reply_head_find(head, FIELD_CONTENT_ENCODING);
        if (!decoder_new(codings, &transfer->decoder, &reason)) {
            stop(transfer, CALL_DECODE, reason);
            return false;
        }
    }
    if (transfer->decoder || !head->has_length)
        return true;
    (void)!buffer_reserve(&transfer->body, head->length);
    return true;
}

static bool take_body(struct transfer *transfer, struct slice bytes)
{
    if (!transfer->decoder) {
        if (buffer_append(&transfer->body, bytes.data, bytes.len))
            return true;
        stop(transfer, CALL_TOO_LARGE, "the body is larger than allowed");
        return false;
    }
    switch (decoder_feed(transfer->decoder, bytes, &transfer->body)) {
    case DECODER_FINE:
        return true;
    case DECODER_BROKEN:
        stop(transfer, CALL_DECODE, "the body does not decode");
        return false;
    case DECODER_FULL:
        stop(transfer, CALL_TOO_LARGE, "the decoded body is larger than allowed");
        return false;
    }
    return false;
}

size_t transfer_on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    size_t len = size * count;
    note_bytes(transfer);
    bool is_first = transfer->body.len == 0 && !transfer->decoder;
    if (is_first && !begin_body(transfer))
        return 0;
    if (!take_body(transfer, slice_make(bytes, len)) || !account(transfer))
        return 0;
    return len;
}

size_t transfer_on_read(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    if (!transfer->call)
        return CURL_READFUNC_ABORT; /* cancelled: the body is the owner's again */
    struct slice body = transfer->request.body;
    size_t left = body.len - transfer->body_sent;
    size_t len = size * count < left ? size * count : left;
    if (len > 0)
        memcpy(bytes, body.data + transfer->body_sent, len);
    transfer->body_sent += len;
    if (!transfer->is_begun)
        enter(transfer, transfer->body_sent == body.len ? PHASE_WAITING : PHASE_SENDING);
    return len;
}

/* libcurl rewinds to send a request again. */
int transfer_on_seek(void *data, curl_off_t offset, int origin)
{
    struct transfer *transfer = data;
    bool is_first = transfer->tries <= 1 && transfer->body_sent == 0;
    if (origin != SEEK_SET || offset != 0 || (!transfer->is_idempotent && !is_first))
        return CURL_SEEKFUNC_FAIL;
    transfer->body_sent = 0;
    return CURL_SEEKFUNC_OK;
}

static bool may_reach(struct transfer *transfer, const struct sockaddr *address)
{
    const char *reason = NULL;
    if (!transfer->request.guard)
        return false; /* disowned: nobody waits for it */
    enum verdict verdict = guard_judge_address(
        transfer->request.guard, transfer->request.target, address, &reason);
    if (verdict == VERDICT_ALLOW)
        return true;
    stop(transfer, CALL_BLOCKED_ADDRESS, reason);
    return false;
}

static bool may_reach_ip(struct transfer *transfer, const char *ip, int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, ip, &in.sin_addr) == 1)
        return may_reach(transfer, (const struct sockaddr *)&in);
    if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1)
        return may_reach(transfer, (const struct sockaddr *)&in6);
    stop(transfer, CALL_BLOCKED_ADDRESS, "the address of the connection is unknown");
    return false;
}

/* Called before each sending, on new and reused connections alike, so also before libcurl
 * silently sends again because a reused connection died under the request, which it does
 * up to five times. For a method that is idempotent it may, once, on a connection that is
 * new; on a reused one, which may be dead as well, the flight dials anew instead. For the
 * others it must not: the first request may have arrived. No option forbids it, and
 * refusing to rewind the body covers only requests that have one. */
int transfer_on_prereq(void *data, char *remote_ip, char *local_ip, int remote_port,
                       int local_port)
{
    (void)local_ip;
    (void)local_port;
    struct transfer *transfer = data;
    bool may_resend =
        transfer->tries == 1 && transfer->is_idempotent && transfer->is_opened;
    if (transfer->tries > 0 && !may_resend) {
        transfer->is_lost = true;
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->tries++;
    /* The pin was judged when this attempt began; any other address is judged here. */
    if (!transfer->setup->has_proxy &&
        !pin_is_ip(transfer->pin, remote_ip, remote_port) &&
        !may_reach_ip(transfer, remote_ip, remote_port))
        return CURL_PREREQFUNC_ABORT;
    transfer->ready_us = clock_now_us();
    enter(transfer, transfer->request.body.len > 0 ? PHASE_SENDING : PHASE_WAITING);
    return CURL_PREREQFUNC_OK;
}

bool transfer_has_tls_proxy(const struct config *config)
{
    const char *proxy = config->fetch.proxy;
    return proxy && strncasecmp(proxy, "https:", 6) == 0;
}

curl_socket_t transfer_on_open(void *data, curlsocktype purpose,
                               struct curl_sockaddr *address)
{
    struct transfer *transfer = data;
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    if (!transfer->setup->has_proxy) { /* the operator's own choice is not vetted */
        if (!pin_is_address(&address->addr, transfer->request.address)) {
            stop(transfer, CALL_BLOCKED_ADDRESS,
                 "the address is not the one that was vetted");
            return CURL_SOCKET_BAD;
        }
        if (!may_reach(transfer, &address->addr))
            return CURL_SOCKET_BAD;
    }
    transfer->is_opened = true;
    struct lane_peer peer = {.origin = transfer->request.origin,
                             .taint_key = transfer->request.taint_key,
                             .is_tls = transfer->request.target->is_https ||
                                       transfer_has_tls_proxy(transfer->setup->config)};
    return lane_sockets_open(lanes_sockets(transfer->setup->lanes), transfer->lane, peer,
                             address, &transfer->is_short);
}

CURLcode transfer_on_ssl_ctx(CURL *easy, void *ssl_ctx, void *data)
{
    (void)easy;
    struct transfer *transfer = data;
    tls_store_attach(transfer->setup->tls_store, ssl_ctx);
    tls_verified_attach(transfer->setup->tls_verified, ssl_ctx);
    /* Two buffers of 17 KiB go while nothing is sent or received: 57 → 47 KiB an item in
     * flight, and more once bodies have filled them. */
    SSL_CTX_set_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS);
    if (transfer->setup->tls_sessions)
        tls_sessions_attach(transfer->setup->tls_sessions, transfer->request.target,
                            ssl_ctx);
    return CURLE_OK;
}
