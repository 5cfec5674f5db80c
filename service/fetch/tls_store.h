/* SPDX-License-Identifier: Apache-2.0 */
/* One certificate store for the whole process: parsed once at start, and when it has
 * changed at a reload (parsing the system's bundle takes libcurl 42–75 ms inside the loop
 * for every new connection otherwise). */
#pragma once

#include "base/attributes.h"
#include "base/error.h"

#include <stddef.h>

struct tls_store;

/* tls_store_new reads `ca_file` (PEM), or the system's bundle when it is "" (the usual
 * places are tried; SSL_CERT_FILE is honoured). An empty bundle is an error only for an
 * explicit file; otherwise every https item will fail with `tls` and the caller may warn.
 * */
/* When the file holds what `previous` (NULL: none) was made of, that one is held once
 * more and returned. Each hold ends with a tls_store_free (NULL is fine); any thread. */
struct tls_store *tls_store_new(const char *ca_file, struct tls_store *previous,
                                struct error *err) MUST_CHECK;
void tls_store_free(struct tls_store *store);

/* tls_store_count returns how many certificates (and revocation lists) were read. */
size_t tls_store_count(const struct tls_store *store);

/* tls_store_attach gives the store to `ssl_ctx` (an OpenSSL SSL_CTX) by reference; for
 * CURLOPT_SSL_CTX_FUNCTION, any thread. */
void tls_store_attach(const struct tls_store *store, void *ssl_ctx);
