/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of certificates that were verified a moment ago. A burst of new connections to
 * an origin shows the same chain each time, and to verify it again costs a fifth of the
 * handshake with P-256 and far more with P-384. Only what was found good is remembered,
 * by the SHA-256 of all certificates as they were sent, and no longer than each of the
 * chain is valid. Everything else that decides (the store, the purpose, the
 * least strength) is the same for all connections of a process; names are compared by
 * libcurl each time, and that the peer has the key is shown by each handshake.
 *
 * One struct tls_verified per worker, its thread only. */
#pragma once

#include "base/attributes.h"
#include "base/loop.h"

enum {
    TLS_VERIFIED_LIFE_MS = 5 * 60 * 1000,
    TLS_VERIFIED_MAX = 256, /* 40 bytes each; a newer one may take the place of another */
};

struct tls_verified;

struct tls_verified *tls_verified_new(const struct loop *loop) MUST_CHECK;
/* tls_verified_free: every context it was attached to must be gone. NULL is fine. */
void tls_verified_free(struct tls_verified *verified);

/* tls_verified_attach lets connections made of `ssl_ctx` (an OpenSSL SSL_CTX) be verified
 * from memory where it will do. For CURLOPT_SSL_CTX_FUNCTION. */
void tls_verified_attach(struct tls_verified *verified, void *ssl_ctx);
