/* SPDX-License-Identifier: Apache-2.0 */
/* The border between the product and the upstream side: a call goes in, an outcome comes
 * out. No curl types. Everything here belongs to one worker thread. */
#pragma once

#include "base/list.h"
#include "base/loop.h"
#include "base/slice.h"
#include "fetch/call_code.h"
#include "trace/trace_context.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum call_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_COUNT,
};

/* Where a call is. Also what a "deadline" message names. */
enum call_phase {
    PHASE_IDLE,       /* not started, or ended; a guest that ended keeps its last phase,
                         which its home reads until the outcome is there */
    PHASE_QUEUED,     /* waiting for a slot */
    PHASE_CONNECTING, /* name, TCP, TLS */
    PHASE_SENDING,    /* the request is on its way */
    PHASE_WAITING,    /* request sent, no byte of the reply yet */
    PHASE_RECEIVING,
    PHASE_BACKOFF, /* of an item between two calls: before it is tried again */
};

struct call_header {
    struct slice name; /* NUL-terminated at data[len] in requests */
    struct slice value;
};

struct call;
struct flow;
struct pair;
struct origin;
struct fetcher;
struct flight;
struct outcome;

/* on_done is called once per started and not cancelled call, from fetcher_turn only
 * (never from fetcher_start). `outcome` and all it points to is valid until it returns.
 * It may start and cancel calls, this one's memory may be freed in it. */
typedef void call_done_fn(struct call *call, const struct outcome *outcome);
/* on_dispatch is called when a call has its slot, before its request is made (and again
 * should it have to wait for another); not for redirects. It may set the call's headers,
 * and calls nothing of the fetcher. False: there is no memory, the call ends so. */
typedef bool call_dispatch_fn(struct call *call);

struct call {
    /* Set by the owner before fetcher_start; unchanged and valid until on_done was called
     * or fetcher_cancel returned. Zero everything else. */
    struct flow *flow; /* of its batch */
    struct slice url;  /* as the client wrote it; data[len] is NUL; may hold any bytes */
    enum call_method method;
    const struct call_header *headers; /* vetted by RFC 9110; no hop-by-hop, no framing */
    size_t header_count;
    bool has_body;
    struct slice body;
    uint32_t timeout_ms;         /* dispatch to last byte, redirects included */
    uint32_t connect_timeout_ms; /* name + TCP + TLS */
    unsigned redirects;          /* how many to follow */
    uint64_t body_max_bytes;     /* decoded */
    uint64_t deadline_ms;        /* loop clock: not worth starting from here on */
    bool coalesces; /* may share the upstream call of an equal one (coalesce.h); leave it
                       false for a second try beside a running one: it would join it */
    unsigned resends;    /* requests made for its item before, at most */
    uint32_t item_index; /* of its item in the batch: for its span */
    bool is_extra;       /* not the first of its item: no request to be counted
                            by the retry budget */
    call_done_fn *on_done;
    call_dispatch_fn *on_dispatch; /* NULL: nobody wants to know */
    void *dispatch_context;        /* for on_dispatch */

    /* The fetcher's own; fetcher_phase reads it for others. */
    struct list node;  /* in pair->calls */
    struct pair *pair; /* where it waits (schedule.h); NULL: it does not */
    struct timer timer;
    struct fetcher *fetcher;
    struct origin *origin;
    struct flight *flight; /* from the dispatch on */
    struct call *shared;   /* the call it waits for with others; NULL: it goes alone */
    bool is_shared;        /* … this is one */
    struct call *away;  /* its copy that another worker runs (handover.h); NULL: none */
    bool is_guest;      /* … this is one: the worker it came from reads the last two */
    bool was_away;      /* it is or had such a copy: it stays where it is */
    uint64_t queued_us; /* clock_now_us at fetcher_start */
    _Atomic enum call_phase phase;
    _Atomic uint64_t started_us; /* clock_now_us at dispatch */
};

/* Relaxed: what is told to others is where the call is, nothing about its memory. */
static inline void call_set_phase(struct call *call, enum call_phase phase)
{
    atomic_store_explicit(&call->phase, phase, memory_order_relaxed);
}

static inline void call_set_started(struct call *call, uint64_t now_us)
{
    atomic_store_explicit(&call->started_us, now_us, memory_order_relaxed);
}

/* Milliseconds with fractions; -1: the phase did not happen. HAR's names. */
struct call_timing {
    double blocked, dns, connect, ssl, send, wait, receive, total;
    bool is_reused;
    const char *http_version;   /* "1.1", "2"; NULL: no reply */
    const char *remote_address; /* "192.0.2.1:80", "[2001:db8::1]:80"; NULL: none */
    uint64_t bytes;             /* body as received, before decoding */
};

/* One try of an item that took several: what came of it. */
struct attempt_record {
    enum call_code code;
    int status;      /* the upstream's; 0: none */
    double start_ms; /* since the item's first attempt */
    double total_ms;
    struct slice url;        /* data NULL: the item's own */
    char remote_address[64]; /* "": none */
};

struct outcome {
    enum call_code code;
    enum call_method method; /* the call's */
    int status;              /* the upstream's; 0 unless code is CALL_OK or
                                CALL_EXPECT_FAILED, which keeps all of the reply */
    const char *message;     /* one sentence for the client, UTF-8; NULL when CALL_OK */
    const struct call_header *headers; /* in order of arrival, lower-case names,
                                          hop-by-hop removed; values are raw bytes */
    size_t header_count;
    struct slice content_type; /* the value of the last content-type header */
    bool has_body;             /* false: none, as in 204 or HEAD, or of length 0 */
    struct slice body;         /* decoded */
    struct call_timing timing;
    unsigned hops; /* redirects followed: so many requests were answered before */
    char span_id[SPAN_ID_LEN]; /* of its (last) attempt; [0] is NUL: none was recorded */
    bool is_coalesced;         /* shared the call of an equal item */
    bool is_fallback;          /* the item's own fallback, not an upstream's reply */
    const struct attempt_record *attempts; /* NULL: there was one */
    size_t attempt_count;
};

/* call_method_name returns "GET" …; call_method_parse is case-sensitive (RFC 9110 9.1).
 */
const char *call_method_name(enum call_method method);
bool call_method_parse(struct slice text, enum call_method *ret_method);
/* Safe or PUT, DELETE (RFC 9110 9.2.2): may be sent again when its fate is unknown. */
bool call_method_is_idempotent(enum call_method method);
/* call_is_retryable: trying again may help and cannot do harm: a method that is not
 * idempotent must not have been sent, for nobody knows what it did. */
bool call_is_retryable(enum call_code code, enum call_method method);
/* call_phase_name: a phrase for messages: "waiting for the first byte". */
const char *call_phase_name(enum call_phase phase);
