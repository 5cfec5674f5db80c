/* SPDX-License-Identifier: Apache-2.0 */
/* Every libcurl option gatherd uses, in two groups: those that never change, set when a
 * handle is made, and those of one request. curl_easy_reset would cost 2 µs and all of
 * the first group again for each item; instead the second group is set or put back each
 * time, and nothing outside this file sets an option.
 *
 * Not used on purpose: CURLOPT_TIMEOUT (clocks.h), FOLLOWLOCATION (redirect.h), cookies,
 * HSTS, Alt-Svc, netrc, and libcurl's content decoding (decoder.h). */
#include "fetch/lane_socket.h"
#include "fetch/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than any connect clock of ours, so that libcurl's own never fires first. */
enum { CONNECT_BACKSTOP_MS = 24 * 3600 * 1000 };

/* fetch.proxy is 1024 bytes at most. */
enum { PROXY_SIZE = 1024 + 1 };

/* The sum of results: CURLE_OK is 0 and all others are positive. */
static bool all_set(unsigned results)
{
    return results == 0;
}

static bool set_safety(CURL *easy)
{
    unsigned results = 0;
    results += curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    results += curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    results += curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    results += curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    results += curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    results += curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    results +=
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_BACKSTOP_MS);
    results += curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return all_set(results);
}

static bool set_tls(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    unsigned results = 0;
    results += curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    results += curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    results += curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    results += curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    results += curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    results += curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, transfer_on_ssl_ctx);
    results += curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer);
    return all_set(results);
}

/* An egress proxy that looked names up itself would be a way around the policy. So it is
 * never told a name: every request, plain http too, goes through a tunnel to the vetted
 * address (set_pin), and Host, SNI and the certificate keep the name. */
static bool set_proxy(CURL *easy, const char *proxy)
{
    static const char remote_names[] = "socks5h://";
    char text[PROXY_SIZE];
    unsigned results = 0;
    if (!proxy || !*proxy) {
        results += curl_easy_setopt(easy, CURLOPT_PROXY, "");
        results += curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
        return all_set(results);
    }
    /* As socks5h libcurl would pass an IPv6 address on as if it were a name. */
    size_t len = sizeof remote_names - 1;
    if (strncmp(proxy, remote_names, len) == 0) {
        snprintf(text, sizeof text, "socks5://%s", proxy + len);
        proxy = text;
    }
    results += curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
    results += curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    results += curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    return all_set(results);
}

static bool set_route(CURL *easy, const struct config *config)
{
    long version = config->fetch.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
    unsigned results = 0;
    results += curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
    results += curl_easy_setopt(easy, CURLOPT_PIPEWAIT, config->fetch.http2 ? 1L : 0L);
    /* Left out by libcurl where the caller gives a header of that name. */
    results += curl_easy_setopt(easy, CURLOPT_USERAGENT, config->fetch.user_agent);
    results += curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, DECODER_ACCEPT);
    results += curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    return all_set(results) && set_proxy(easy, config->fetch.proxy);
}

static bool set_callbacks(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    unsigned results = 0;
    results += curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    results += curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error_text);
    results += curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, transfer_on_header);
    results += curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    results += curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_on_body);
    results += curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    results += curl_easy_setopt(easy, CURLOPT_READFUNCTION, transfer_on_read);
    results += curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    results += curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, transfer_on_seek);
    results += curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
    results += curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, transfer_on_prereq);
    results += curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    results += curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, transfer_on_open);
    results += curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    /* A connection outlives the transfer that opened it, and so does this one's data. */
    results += curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, lane_sockets_on_close);
    results += curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA,
                                lanes_sockets(transfer->setup->lanes));
    return all_set(results);
}

static bool set_headers_list(struct transfer *transfer, const struct curl_slist *first)
{
    return curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, first) == CURLE_OK;
}

bool transfer_set_constants(struct transfer *transfer)
{
    transfer->applied = (struct transfer_applied){.method = METHOD_GET};
    return set_safety(transfer->easy) && set_tls(transfer) &&
           set_route(transfer->easy, transfer->setup->config) && set_callbacks(transfer);
}

/* --------------------------------------------------------------------- per request */

static bool is_upload(const struct transfer_request *request)
{
    /* RFC 9110 8.6: POST, PUT and PATCH say Content-Length: 0 when there is no body. A
     * HEAD with a body would make libcurl wait for one in the reply. */
    return (request->has_body && request->method != METHOD_HEAD) ||
           request->method == METHOD_POST || request->method == METHOD_PUT ||
           request->method == METHOD_PATCH;
}

/* HTTPGET and NOBODY undo each other and POST; a name other than theirs is CUSTOMREQUEST.
 */
static unsigned set_method(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    const struct transfer_request *request = &transfer->request;
    struct transfer_applied *applied = &transfer->applied;
    bool has_upload = is_upload(request);
    unsigned results = 0;
    if (has_upload)
        results += curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                    (curl_off_t)request->body.len);
    if (applied->method == request->method && applied->has_upload == has_upload)
        return results;
    bool is_plain = request->method == METHOD_GET || request->method == METHOD_HEAD;
    results += curl_easy_setopt(easy, CURLOPT_NOBODY, 0L);
    results += curl_easy_setopt(easy, has_upload ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    if (request->method == METHOD_HEAD && !has_upload)
        results += curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    const char *name = is_plain && !has_upload ? NULL : call_method_name(request->method);
    results += curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, name);
    applied->method = request->method;
    applied->has_upload = has_upload;
    return results;
}

static bool make_nodes(struct transfer *transfer, size_t count)
{
    if (count <= transfer->header_nodes_cap)
        return true;
    struct curl_slist *nodes = realloc(transfer->header_nodes, count * sizeof *nodes);
    if (!nodes)
        return false;
    transfer->header_nodes = nodes;
    transfer->header_nodes_cap = count;
    return true;
}

/* libcurl takes "name: value", and "name;" for an empty value. Offsets first: the text
 * moves while it grows. */
static void write_header(struct buffer *text, const struct call_header *header)
{
    buffer_append(text, header->name.data, header->name.len);
    if (header->value.len == 0) {
        buffer_append(text, ";", 2);
        return;
    }
    buffer_append(text, ": ", 2);
    buffer_append(text, header->value.data, header->value.len);
    buffer_append(text, "", 1);
}

static bool has_header(const struct transfer_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (slice_is_ignoring_case(request->headers[i].name, name))
            return true;
    }
    return false;
}

/* Written "name:", libcurl leaves its own header of that name out: no form type made up
 * for a body of unknown kind, no second of waiting for 100 Continue. */
static size_t write_removals(struct buffer *text, const struct transfer_request *request)
{
    if (!is_upload(request))
        return 0;
    static const char expect[] = "Expect:", type[] = "Content-Type:";
    buffer_append(text, expect, sizeof expect);
    if (has_header(request, "content-type"))
        return 1;
    buffer_append(text, type, sizeof type);
    return 2;
}

/* The trace goes on with the attempt as parent, unless the request names one itself: then
 * it is its own affair. Returns how many headers that is. */
static size_t write_trace(struct buffer *text, const struct transfer_request *request)
{
    static const char name[] = "traceparent: ";
    const struct trace *trace = request->trace;
    if (!trace || has_header(request, "traceparent"))
        return 0;
    struct trace_context context = trace->context;
    memcpy(context.span_id, request->span_id, SPAN_ID_LEN);
    char *to = buffer_reserve(text, sizeof name + TRACEPARENT_LEN);
    if (!to)
        return 0; /* text->failed */
    memcpy(to, name, sizeof name - 1);
    trace_context_write(&context, to + sizeof name - 1);
    to[sizeof name - 1 + TRACEPARENT_LEN] = '\0';
    buffer_commit(text, sizeof name + TRACEPARENT_LEN);
    if (trace->state_len == 0 || has_header(request, "tracestate"))
        return 1;
    const struct call_header state = {.name = slice_from("tracestate"),
                                      .value =
                                          slice_make(trace->state, trace->state_len)};
    write_header(text, &state);
    return 2;
}

/* The request's headers; the deadline's, if there is one, is the gateway's to say.
 * Returns how many. */
static size_t write_headers(struct buffer *text, const struct transfer_request *request,
                            const char *deadline_header)
{
    size_t count = write_trace(text, request);
    for (size_t i = 0; i < request->header_count; i++) {
        if (deadline_header &&
            slice_is_ignoring_case(request->headers[i].name, deadline_header))
            continue;
        write_header(text, &request->headers[i]);
        count++;
    }
    if (!deadline_header)
        return count;
    buffer_append_format(text, "%s: ", deadline_header);
    buffer_append_uint(text, request->left_ms);
    buffer_append(text, "", 1);
    return count + 1;
}

static bool set_headers(struct transfer *transfer)
{
    const struct transfer_request *request = &transfer->request;
    const char *name = transfer->setup->config->fetch.deadline_header;
    const char *deadline_header = name && *name ? name : NULL;
    struct buffer *text = &transfer->header_text;
    if (request->header_count == 0 && !is_upload(request) && !deadline_header &&
        !request->trace) {
        if (!transfer->applied.has_own_headers)
            return true;
        transfer->applied.has_own_headers = false;
        return set_headers_list(transfer, NULL);
    }
    buffer_clear(text);
    size_t count = write_headers(text, request, deadline_header);
    count += write_removals(text, request);
    if (text->failed || !make_nodes(transfer, count))
        return false;
    char *at = text->data;
    for (size_t i = 0; i < count; i++) {
        transfer->header_nodes[i] =
            (struct curl_slist){.data = at, .next = &transfer->header_nodes[i + 1]};
        at += strlen(at) + 1;
    }
    transfer->header_nodes[count - 1].next = NULL;
    transfer->applied.has_own_headers = true;
    return set_headers_list(transfer, transfer->header_nodes);
}

/* A literal address needs no pin: the URL says where to go, and transfer_on_open checks.
 * No socket of ours shows where a proxy goes, so there it is said in any case. */
static unsigned set_pin(struct transfer *transfer)
{
    const struct transfer_request *request = &transfer->request;
    bool has_pin = !request->target->is_literal || transfer->setup->has_proxy;
    if (!has_pin && !transfer->applied.has_pin)
        return 0;
    transfer->applied.has_pin = has_pin;
    transfer->pin_node = (struct curl_slist){.data = transfer->pin};
    return curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO,
                            has_pin ? &transfer->pin_node : NULL);
}

/* While sockets are short, libcurl closes connections that idled for a second as it looks
 * for one to use: the only way to free them in a lane that is busy. */
static unsigned set_max_age(struct transfer *transfer)
{
    uint64_t keep_alive_ms = transfer->setup->config->fetch.keep_alive_ms;
    long age_s = transfer->request.is_frugal ? 1 : (long)((keep_alive_ms + 999) / 1000);
    if (age_s == transfer->applied.max_age_s)
        return 0;
    transfer->applied.max_age_s = age_s;
    return curl_easy_setopt(transfer->easy, CURLOPT_MAXAGE_CONN, age_s);
}

static unsigned set_fresh(struct transfer *transfer)
{
    bool is_single = transfer->request.is_single;
    bool is_fresh = transfer->request.is_fresh || is_single;
    unsigned results = 0;
    if (is_fresh != transfer->applied.is_fresh)
        results +=
            curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, (long)is_fresh);
    if (is_single != transfer->applied.is_single)
        results +=
            curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, (long)is_single);
    transfer->applied.is_fresh = is_fresh;
    transfer->applied.is_single = is_single;
    return results;
}

bool transfer_set_request(struct transfer *transfer)
{
    unsigned results = 0;
    results += curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->request.url);
    results += set_method(transfer);
    results += set_pin(transfer);
    results += set_max_age(transfer);
    results += set_fresh(transfer);
    return all_set(results) && set_headers(transfer);
}
