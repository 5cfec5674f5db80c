/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's result, what the callbacks recorded and errno, together as one code of the
 * API. The sentences are our own: libcurl's name addresses, which a caller must not
 * learn. */
#include "fetch/transfer.h"

#include <errno.h>
#include <openssl/x509.h>
#include <string.h>

enum { SINCE_8_6_TOO_LARGE = 100 }; /* CURLE_TOO_LARGE: gatherd builds with 8.0 too */

static enum call_code say(const char **ret_message, enum call_code code,
                          const char *message)
{
    *ret_message = message;
    return code;
}

static const char *connect_reason(long number)
{
    switch (number) {
    case ECONNREFUSED:
        return "the connection was refused";
    case ENETUNREACH:
    case EHOSTUNREACH:
        return "the host is unreachable";
    case EADDRNOTAVAIL:
        return "no local port is left to connect from";
    case ETIMEDOUT:
        return "the host did not answer";
    default:
        return "the connection failed";
    }
}

static long errno_of(const struct transfer *transfer)
{
    long number = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    return number;
}

static enum call_code judge_tls(const struct transfer *transfer, CURLcode result,
                                const char **ret_message)
{
    long verified = X509_V_OK;
    curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    /* UNSPECIFIED is where it stands before anything was verified. */
    bool is_verdict = verified != X509_V_OK && verified != X509_V_ERR_UNSPECIFIED;
    if (result == CURLE_PEER_FAILED_VERIFICATION && is_verdict)
        return say(ret_message, CALL_TLS, X509_verify_cert_error_string(verified));
    if (result == CURLE_PEER_FAILED_VERIFICATION)
        return say(ret_message, CALL_TLS, "the certificate is not for this host");
    return say(ret_message, CALL_TLS, "the TLS handshake failed");
}

/* libcurl says CURLE_RECV_ERROR for a reset, for a broken chunk and for a TLS stream cut
 * without its closing alert; only the first has an errno. */
static enum call_code judge_receive(const struct transfer *transfer,
                                    const char **ret_message)
{
    if (strstr(transfer->error_text, "alert"))
        return say(ret_message, CALL_TLS, "the upstream refused the TLS session");
    if (errno_of(transfer) != 0)
        return say(ret_message, CALL_RESET, "the connection was reset");
    if (strstr(transfer->error_text, "SSL") == NULL && transfer->is_begun)
        return say(ret_message, CALL_BAD_REPLY, "the reply's chunks are malformed");
    if (transfer->is_begun)
        return say(ret_message, CALL_TRUNCATED,
                   "the TLS connection was cut during the reply");
    return say(ret_message, CALL_RESET, "the connection broke");
}

static enum call_code judge_success(const struct transfer *transfer,
                                    const char **ret_message)
{
    if (!reply_head_is_whole(&transfer->head))
        return say(ret_message, CALL_TRUNCATED, "the reply ended within its header");
    if (transfer->decoder && !decoder_is_complete(transfer->decoder))
        return say(ret_message, CALL_DECODE, "the encoded body ends too early");
    return say(ret_message, CALL_OK, NULL);
}

static enum call_code judge_sized(const struct transfer *transfer,
                                  const char **ret_message)
{
    /* The only thing libcurl finds "out of memory" or "too large" before any cap of ours
     * is a header line over 100 KB, a header over 300 KB, or a URL. */
    if (transfer->tries > 0)
        return say(ret_message, CALL_HEADERS_TOO_LARGE,
                   "the reply's header is larger than allowed");
    return say(ret_message, CALL_CONNECT, "the gateway has no memory for the connection");
}

static enum call_code judge_early(const struct transfer *transfer, CURLcode result,
                                  const char **ret_message)
{
    if (result == CURLE_URL_MALFORMAT)
        return say(ret_message, CALL_BAD_URL, "the URL does not parse");
    if (result == CURLE_OPERATION_TIMEDOUT && transfer->tries > 0)
        return say(ret_message, CALL_RESET, "the connection timed out");
    long number = errno_of(transfer);
    if (number == ECONNRESET)
        return say(ret_message, CALL_RESET, "the connection was reset");
    return say(ret_message, CALL_CONNECT, connect_reason(number));
}

static enum call_code judge_result(const struct transfer *transfer, CURLcode result,
                                   const char **ret_message)
{
    switch ((int)result) {
    case CURLE_OK:
        return judge_success(transfer, ret_message);
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_URL_MALFORMAT:
        return judge_early(transfer, result, ret_message);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        return judge_tls(transfer, result, ret_message);
    case CURLE_GOT_NOTHING:
        return say(ret_message, CALL_EMPTY_REPLY,
                   "the connection was closed without a reply");
    case CURLE_PARTIAL_FILE:
        return say(ret_message, CALL_TRUNCATED, "the reply is shorter than it said");
    case CURLE_RECV_ERROR:
        return judge_receive(transfer, ret_message);
    case CURLE_SEND_ERROR:
        return say(ret_message, CALL_RESET, "the connection was reset");
    case CURLE_HTTP2_STREAM:
        return say(ret_message, CALL_RESET, "the stream was reset");
    case CURLE_SEND_FAIL_REWIND:
        return say(ret_message, CALL_MAYBE_SENT,
                   "the connection was lost after the request was sent");
    case CURLE_OUT_OF_MEMORY:
    case SINCE_8_6_TOO_LARGE:
        return judge_sized(transfer, ret_message);
    case CURLE_FILESIZE_EXCEEDED:
        return say(ret_message, CALL_TOO_LARGE, "the body is larger than allowed");
    default:
        /* 1 (HTTP/0.9), 8, 16, 43, 61 (transfer coding), 95: not HTTP as we speak it. */
        return say(ret_message, CALL_BAD_REPLY, "the reply is not valid HTTP");
    }
}

/* libcurl gives a connection up when a status of 300 or more comes before it has noted
 * the end of what it sends, be that nothing at all (lib/http.c, "Stop sending data before
 * entire request sent"): a quick 304 to a POST on a slow machine. */
static bool may_have_stopped_sending(const struct transfer *transfer)
{
    enum call_method method = transfer->request.method;
    return transfer->head.status >= 300 && method != METHOD_GET && method != METHOD_HEAD;
}

/* The reply was to keep its connection and told its own end, yet libcurl did not keep it:
 * there was more behind it. Or the upstream closed it, unannounced: then it loses nothing
 * by being tainted. */
static bool has_more_behind(const struct transfer *transfer)
{
    const struct transfer_request *request = &transfer->request;
    bool is_sent = !request->has_body || transfer->body_sent == request->body.len;
    return transfer->is_closed && !request->is_single && transfer->tries == 1 &&
           is_sent && !may_have_stopped_sending(transfer) &&
           reply_head_keeps(&transfer->head, request->method == METHOD_HEAD);
}

bool transfer_is_suspect(const struct transfer *transfer, enum call_code code)
{
    bool is_junk = code == CALL_BAD_REPLY && !transfer->head.version &&
                   !transfer->is_opened && transfer->tries > 0;
    return is_junk || transfer->head.is_ambiguous ||
           (code == CALL_OK && has_more_behind(transfer));
}

static const char *const lost = "the connection was lost after the request was sent";

/* The egress proxy refused, or hung up: to the caller that is a connection that was not
 * made, and no more is said of it. SOCKS has no status and a code of its own. */
static bool is_without_tunnel(const struct transfer *transfer, CURLcode result)
{
    long status = 0;
    if (!transfer->setup->has_proxy || transfer->tries > 0)
        return false;
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    bool is_cut = result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR ||
                  result == CURLE_GOT_NOTHING;
    return result == CURLE_PROXY || status >= 300 || (status == 0 && is_cut);
}

/* The request was sent, nothing of a reply came, and it must not be sent twice: whatever
 * went wrong, also while libcurl dialled again, nobody knows what became of it. */
static bool is_fate_unknown(const struct transfer *transfer, enum call_code code)
{
    if (transfer->is_idempotent || transfer->tries == 0 || transfer->is_begun)
        return false;
    return code == CALL_OVERLOADED || code == CALL_CONNECT || code == CALL_TLS ||
           code == CALL_RESET || code == CALL_EMPTY_REPLY || code == CALL_TRUNCATED;
}

enum call_code transfer_judge(struct transfer *transfer, CURLcode result,
                              const char **ret_message)
{
    enum call_code code;
    if (transfer->fault != CALL_OK)
        return say(ret_message, transfer->fault, transfer->fault_text);
    if (transfer->is_lost)
        code = say(ret_message, CALL_RESET, lost);
    else if (transfer->is_short)
        code = say(ret_message, CALL_OVERLOADED, "the gateway has no socket left");
    else if (is_without_tunnel(transfer, result))
        code = say(ret_message, CALL_CONNECT, "the egress proxy did not connect");
    else
        code = judge_result(transfer, result, ret_message);
    return is_fate_unknown(transfer, code) ? say(ret_message, CALL_MAYBE_SENT, lost)
                                           : code;
}
