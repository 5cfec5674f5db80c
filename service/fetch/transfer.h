/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt on one pooled easy handle: options in, callbacks that only record, and at
 * last libcurl's result turned into an outcome's code. It asks nobody for anything: which
 * address, which method, whether to try again is the flight's business. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/list.h"
#include "base/loop.h"
#include "config/config.h"
#include "fetch/budget.h"
#include "fetch/call.h"
#include "fetch/clocks.h"
#include "fetch/decoder.h"
#include "fetch/guard.h"
#include "fetch/lane.h"
#include "fetch/lane_socket.h"
#include "fetch/pin.h"
#include "fetch/reply_head.h"
#include "fetch/tls_sessions.h"
#include "fetch/tls_store.h"
#include "fetch/tls_verified.h"
#include "trace/trace.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all transfers of a worker share. */
struct transfer_setup {
    struct loop *loop;
    struct lanes *lanes;
    const struct config *config;
    const struct tls_store *tls_store;
    struct tls_verified *tls_verified;
    struct tls_sessions *tls_sessions; /* NULL: each CURLM keeps its own */
    struct budgets *budgets;
    bool has_proxy; /* the socket leads to the egress proxy, not to the address */
};

/* What to send. Everything pointed to stays valid until the transfer is recycled, but for
 * `body`, which transfer_disown ends, and the trace. */
struct transfer_request {
    const char *url;
    enum call_method method;
    const struct call_header *headers;
    size_t header_count;
    bool has_body;
    struct slice body;
    uint64_t body_max_bytes;   /* of the reply, decoded */
    uint64_t left_ms;          /* for fetch.deadline_header, if there is one */
    const struct trace *trace; /* to be passed on; NULL: none. Used by transfer_prepare
                                  alone, as is … */
    const char *span_id;       /* … that of this attempt */
    const struct target *target;
    size_t origin;                  /* its number */
    const struct guard *guard;      /* of the caller: asked for every socket */
    const struct sockaddr *address; /* vetted: where to connect, or the proxy is to */
    const char *pin;                /* of `address` */
    bool is_frugal;                 /* sockets are short */
    bool is_fresh;                  /* on a new connection */
    bool is_single;                 /* which is not kept: the origin is tainted */
    uint64_t taint_key;
};

/* The options that differ from request to request, as the handle has them now. */
struct transfer_applied {
    enum call_method method;
    bool has_upload;
    bool has_own_headers;
    bool has_pin;
    bool is_fresh;
    bool is_single;
    long max_age_s;
};

struct transfer {
    struct list node;
    CURL *easy;
    struct lane *lane; /* of lane.c: NULL when in none */
    struct lane_user user;
    const struct transfer_setup *setup;
    struct flight *flight; /* whose attempt it is */
    struct call *call;     /* its phase is kept up to date; NULL: disowned */
    struct clock_marks *marks;

    /* The request. */
    struct transfer_applied applied;
    struct transfer_request request;
    bool is_idempotent;
    size_t body_sent;
    struct buffer header_text;
    struct curl_slist *header_nodes;
    size_t header_nodes_cap;
    struct curl_slist pin_node;
    char pin[PIN_SIZE];

    /* What the callbacks recorded. */
    unsigned tries;    /* how often a request was about to be sent */
    bool is_lost;      /* its reused connection died; libcurl was about to send again */
    bool is_opened;    /* a connection was opened for it */
    bool is_short;     /* refused a socket: the process is out of them */
    bool is_begun;     /* a byte of the reply came */
    bool is_closed;    /* its connection was not kept */
    uint64_t ready_us; /* clock_now_us when the (last) request was about to be sent */
    uint64_t begun_us; /* … when the reply began */
    enum call_code fault; /* why a callback stopped the transfer; CALL_OK: none did */
    const char *fault_text;
    struct reply_head head;
    struct decoder *decoder;
    struct buffer body;
    uint64_t accounted; /* of budgets->reply_bytes */
    char error_text[CURL_ERROR_SIZE];
};

/* transfer_new makes a handle with everything set that never changes; NULL when libcurl
 * has no memory or lacks a needed option. */
struct transfer *transfer_new(const struct transfer_setup *setup) MUST_CHECK;
void transfer_free(struct transfer *transfer); /* must be in no lane; NULL is fine */

/* transfer_prepare makes it ready for lanes_add: every per-request option is set or put
 * back. False when libcurl refuses (memory). */
bool transfer_prepare(struct transfer *transfer, const struct transfer_request *request,
                      struct call *call, struct clock_marks *marks) MUST_CHECK;
/* transfer_disown cuts the tie to the call: its memory, body and all, is used no more,
 * nor its egress policy, and so it can open no socket. */
void transfer_disown(struct transfer *transfer);
/* transfer_recycle forgets request and reply; keeps the handle and modest buffers. */
void transfer_recycle(struct transfer *transfer);

/* transfer_judge turns libcurl's result into a code; `ret_message` is a sentence valid
 * until the transfer is recycled, NULL for CALL_OK. CALL_OVERLOADED: no socket, never
 * sent. */
enum call_code transfer_judge(struct transfer *transfer, CURLcode result,
                              const char **ret_message);

/* transfer_is_suspect: this attempt, which ended with `code`, shows that the upstream
 * sends what nobody asked for, or could be read in two ways (taint.h). */
bool transfer_is_suspect(const struct transfer *transfer, enum call_code code);

/* transfer_note_closed: libcurl closes its connection, which it is done with. */
void transfer_note_closed(struct transfer *transfer);

/* transfer_note_event: its socket has become readable. */
void transfer_note_event(struct transfer *transfer);

/* transfer_has_tls_proxy: even a plain request's connection carries TLS, and one for
 * https carries it twice. */
bool transfer_has_tls_proxy(const struct config *config);

/* Between the files of the transfer. */
bool transfer_set_constants(struct transfer *transfer);
bool transfer_set_request(struct transfer *transfer);
size_t transfer_on_header(char *line, size_t size, size_t count, void *data);
size_t transfer_on_body(char *bytes, size_t size, size_t count, void *data);
size_t transfer_on_read(char *bytes, size_t size, size_t count, void *data);
int transfer_on_seek(void *data, curl_off_t offset, int origin);
int transfer_on_prereq(void *data, char *remote_ip, char *local_ip, int remote_port,
                       int local_port);
curl_socket_t transfer_on_open(void *data, curlsocktype purpose,
                               struct curl_sockaddr *address);
CURLcode transfer_on_ssl_ctx(CURL *easy, void *ssl_ctx, void *data);
