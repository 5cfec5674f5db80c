/* SPDX-License-Identifier: Apache-2.0 */
/* TLS sessions that upstreams gave, so that the next connection to the same origin
 * resumes one: no certificates are sent and no signature is verified, which halves the
 * CPU of a new connection. libcurl has such a cache in each CURLM, two tickets an origin
 * there; a worker has many CURLMs and opens connections in slices, so hardly any of
 * them found a ticket. One struct tls_sessions per worker, its thread only.
 *
 * What a session vouches for: only who holds the key agreed on in a verified handshake
 * can go on with it, so a resumed connection is as authentic as that one, whatever
 * address it leads to. All connections of a process are verified alike, against one
 * store, and shared between callers by origin; sessions are kept by host and port and go
 * no further. libcurl compares the certificate's names after each handshake, resumed ones
 * too, and the egress policy is asked for each socket. A session ends an hour after the
 * handshake that showed the certificate, however often it was resumed since, and with the
 * certificate; sooner where the server says so. An upstream that cannot go on with one
 * and breaks off is offered none of what it gave before.
 *
 * Offered in a connection's first handshake only; a server of TLS 1.2 may ask for
 * another. */
#pragma once

#include "base/attributes.h"
#include "base/loop.h"
#include "fetch/guard.h"

#include <stddef.h>

enum {
    /* A burst of new connections to one origin; each full handshake brings two tickets,
     * and each is for one connection (RFC 8446 C.4). */
    TLS_SESSIONS_PER_ORIGIN = 128,
    /* Of all origins; the oldest goes. About 1.5 KiB each, and certificates, which those
     * that come of one handshake share. */
    TLS_SESSIONS_MAX = 1024,
    /* Ticket and certificates in DER; larger ones are not kept. Usual are 2 to 6 KiB. */
    TLS_SESSION_MAX_BYTES = 16 * 1024,
    TLS_SESSION_LIFE_MS = 3600 * 1000, /* since the full handshake */
};

struct tls_sessions;

struct tls_sessions *tls_sessions_new(const struct loop *loop) MUST_CHECK;
/* tls_sessions_free: every context it was attached to must be gone. NULL is fine. */
void tls_sessions_free(struct tls_sessions *sessions);

/* tls_sessions_attach lets the connection to `target` that is made of `ssl_ctx` (an
 * OpenSSL SSL_CTX) offer a session of that host and port, and keep those it is given. For
 * CURLOPT_SSL_CTX_FUNCTION. Without memory the connection just does neither. */
void tls_sessions_attach(struct tls_sessions *sessions, const struct target *target,
                         void *ssl_ctx);

/* tls_sessions_count: how many are kept, of all origins. */
size_t tls_sessions_count(const struct tls_sessions *sessions);
