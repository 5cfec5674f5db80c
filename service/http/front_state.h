/* SPDX-License-Identifier: Apache-2.0 */
/* What front.c, client.c, exchange*.c and reply.c share: the structs behind front.h and
 * exchange.h. Nobody else includes it. All of it belongs to one worker thread. */
#pragma once

#include "base/buffer.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/slice.h"
#include "http/auth.h"
#include "http/auth_failures.h"
#include "http/client.h"
#include "http/exchange.h"
#include "http/fd_marks.h"
#include "http/front.h"
#include "http/linger.h"
#include "http/request_head.h"
#include "http/routes.h"

#include <microhttpd.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    REQUEST_ID_MAX = 128,
    /* A connection's memory in MHD has the head of the request, server.head_max_bytes at
     * most, and then this for the head of the reply: without it MHD would close without a
     * word. A head that does not fit is answered 431 or 414 by MHD itself. */
    REPLY_HEAD_MEMORY = 2048,
};

struct front {
    struct front_setup setup;
    struct MHD_Daemon *daemon;
    struct watch daemon_watch;
    bool has_event;     /* MHD's epoll set has something */
    uint64_t run;       /* of MHD: its number */
    bool has_complaint; /* MHD refused something itself in this run */
    bool has_resumed;   /* a connection was resumed since MHD ran */
    bool has_held;      /* in this turn an exchange began to wait */
    uint64_t turn;      /* its number */
    bool is_leaving;    /* and ever since draining */
    bool is_draining;
    bool is_tls;
    bool needs_client_certificate;
    unsigned arriving;     /* sockets given to MHD, not yet announced by it */
    size_t exchange_count; /* requests under way */
    size_t new_count;      /* clients whose first request is not complete */
    struct list clients;
    struct list waiting; /* exchanges in EXCHANGE_WAITING and EXCHANGE_STREAMING */
    struct list heads;   /* exchanges in EXCHANGE_HEAD */
    struct linger_set lingering;
    struct fd_marks local_fds; /* connections that came through a local listener */
    struct auth *auth;
    struct auth_failures auth_failures;
    char id_prefix[17]; /* of request ids made here: random */
    uint64_t id_next;
    char start_fault[256]; /* what MHD said while starting */
};

enum exchange_phase {
    EXCHANGE_HEAD,      /* the head is not complete */
    EXCHANGE_BODY,      /* the head was accepted */
    EXCHANGE_RUNNING,   /* inside its handler */
    EXCHANGE_WAITING,   /* for an answer, the client's end or the drain */
    EXCHANGE_ANSWERED,  /* `response` waits for MHD to ask for it */
    EXCHANGE_STREAMING, /* that, or MHD has it and more of its body is to come */
    EXCHANGE_SENDING,   /* MHD has the response */
    EXCHANGE_DROPPED,   /* no answer, or no more of it: MHD is told to close */
};

struct exchange {
    struct list node; /* in front->heads, later in front->waiting */
    struct front *front;
    struct client *client;
    enum exchange_phase phase;
    const struct route *route;
    struct snapshot *snapshot; /* held */
    const struct terms *terms; /* of it; NULL: not known yet */
    struct exchange_waiter waiter;
    uint64_t arrived_us; /* when it was complete */
    struct buffer body;
    uint64_t charged; /* for the body, of budgets->request_bytes */
    struct MHD_Response *response;
    struct stream *stream; /* of exchange_stream.c; NULL: the answer comes at once */
    unsigned status;
    uint64_t reply_len;
    uint64_t run;  /* of MHD, in which its request line came */
    uint64_t turn; /* of the front, in which it was complete */
    bool is_head;  /* the method: no body is sent */
    bool is_chunked;
    bool has_trace;              /* a header traceparent */
    bool is_librarys;            /* MHD refuses it without asking us */
    const char *raw_target;      /* where MHD has it: compared, never read */
    bool must_close;             /* framing this MHD is lax about */
    const char *late_refusal;    /* the rest of the body is thrown away, then refused … */
    enum problem_type late_type; /* … with this */
    bool is_joined_reply;        /* no iovec: see reply.c */
    bool is_suspended;           /* in MHD, while it waits */
    char request_id[REQUEST_ID_MAX + 1];
    size_t path_len;
    size_t target_len;
    char target[]; /* raw, NUL-terminated */
};

/* The label of METRIC_REQUESTS: 2xx is 0. */
static inline unsigned status_class(int status)
{
    return (unsigned)status / 100 - 2;
}

/* exchange.c ---------------------------------------------------------------------- */

/* MHD's callbacks: request line, head/body/end of a request, end of its reply. */
void *exchange_on_target(void *cls, const char *target,
                         struct MHD_Connection *connection);
enum MHD_Result exchange_on_request(void *cls, struct MHD_Connection *connection,
                                    const char *url, const char *method,
                                    const char *version, const char *upload_data,
                                    size_t *upload_data_size, void **request_context);
void exchange_on_completed(void *cls, struct MHD_Connection *connection,
                           void **request_context, enum MHD_RequestTerminationCode code);
/* exchange_end frees it; by exchange_on_completed, or with its connection if MHD forgot
 * to call that. */
void exchange_end(struct exchange *exchange);
/* exchange_gone: the client went away: a waiting or streaming exchange is dropped, others
 * go on. */
void exchange_gone(struct exchange *exchange);
/* exchange_check (exchange_check.c): may the request of this head go on to its body?
 * False: it was answered. */
bool exchange_check(struct exchange *exchange, const struct request_head *head,
                    const char *method);
/* exchange_client_key: by what the client's address is counted; all unix sockets' clients
 * have the same, and are told by false. */
bool exchange_client_key(const struct exchange *exchange, struct address_key *ret_key);
/* exchange_make_id writes a new request id. */
void exchange_make_id(struct front *front, char id[REQUEST_ID_MAX + 1]);

/* exchange_answer.c --------------------------------------------------------------- */

/* exchange_answer makes `response` the answer; NULL: there was no memory for it. */
void exchange_answer(struct exchange *exchange, const struct reply *reply,
                     struct MHD_Response *response, uint64_t len);
/* exchange_refuse_by_hand answers past MHD, which has no room left for a reply. */
void exchange_refuse_by_hand(struct exchange *exchange, enum problem_type type,
                             const char *detail);
/* exchange_note_refusal: a line of the log, at debug, limited; `exchange` may be NULL. */
void exchange_note_refusal(const struct front *front, const struct exchange *exchange,
                           enum problem_type type, const char *detail);
/* exchange_refuse answers with a problem and says so in the log at debug. */
void exchange_refuse(struct exchange *exchange, enum problem_type type,
                     const char *detail);
extern const char exchange_too_large_detail[]; /* of a body */
/* exchange_refuse_batch: overloaded, by the head alone; counted as a batch refused. */
void exchange_refuse_batch(struct exchange *exchange, const char *detail);
/* exchange_queue_answer gives the answer to MHD, whose verdict it returns; inside MHD's
 * callback of that request. exchange_wake: MHD asks the handler again, in a run that
 * front_turn makes for it. */
enum MHD_Result exchange_queue_answer(struct exchange *exchange);
void exchange_wake(struct exchange *exchange);
