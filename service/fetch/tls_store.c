/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates upstreams are checked against: one X509_STORE, filled before workers
 * know it and shared by counted reference. OpenSSL locks the store itself where
 * verification sorts or extends it, so any number of connections on any thread may use it
 * at once.
 *
 * Does not look into hashed directories (CApath): that would read files inside the event
 * loop, once per handshake. Called by fetch_shared_new and by the transfer's SSL
 * callback. */
#include "fetch/tls_store.h"

#include "base/memory.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tls_store {
    X509_STORE *certificates;
    atomic_size_t holds;
    unsigned char digest[EVP_MAX_MD_SIZE]; /* of the file; zeros: there is none */
};

/* Debian and Alpine, Fedora and RHEL, SUSE, the BSDs. */
static const char *const usual_places[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

static const char *find_system_bundle(void)
{
    const char *named = secure_getenv("SSL_CERT_FILE");
    if (named && *named != '\0')
        return named;
    for (size_t i = 0; i < sizeof usual_places / sizeof *usual_places; i++) {
        if (access(usual_places[i], R_OK) == 0)
            return usual_places[i];
    }
    return NULL;
}

static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason ? reason : "no certificate in it";
}

/* SHA-256 of what the file holds now; zeros when it cannot be read. */
static void digest_file(const char *file, unsigned char digest[EVP_MAX_MD_SIZE])
{
    char chunk[16 * 1024];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
    bool is_sound = fd >= 0 && context && EVP_DigestInit(context, EVP_sha256()) == 1;
    ssize_t got = 1;
    while (is_sound && (got = read(fd, chunk, sizeof chunk)) > 0)
        is_sound = EVP_DigestUpdate(context, chunk, (size_t)got) == 1;
    memset(digest, 0, EVP_MAX_MD_SIZE);
    if (is_sound && got == 0)
        (void)EVP_DigestFinal(context, digest, NULL);
    EVP_MD_CTX_free(context);
    if (fd >= 0)
        close(fd);
}

static bool is_unchanged(const struct tls_store *previous, const unsigned char *digest)
{
    static const unsigned char nothing[EVP_MAX_MD_SIZE];
    return previous && memcmp(digest, nothing, EVP_MAX_MD_SIZE) != 0 &&
           memcmp(digest, previous->digest, EVP_MAX_MD_SIZE) == 0;
}

struct tls_store *tls_store_new(const char *ca_file, struct tls_store *previous,
                                struct error *err)
{
    bool is_explicit = *ca_file != '\0';
    const char *file = is_explicit ? ca_file : find_system_bundle();
    unsigned char digest[EVP_MAX_MD_SIZE];
    /* First, so that a file replaced in between is read again the next time. */
    digest_file(file, digest);
    if (is_unchanged(previous, digest)) {
        atomic_fetch_add_explicit(&previous->holds, 1, memory_order_relaxed);
        return previous;
    }
    struct tls_store *store = memory_new(sizeof *store);
    atomic_init(&store->holds, 1);
    memcpy(store->digest, digest, sizeof digest);
    store->certificates = X509_STORE_new();
    if (!store->certificates) {
        error_set(err, ERROR_SYSTEM, "OpenSSL has no memory for a certificate store");
        tls_store_free(store);
        return NULL;
    }
    /* What libcurl sets on a store of its own: a certificate that is trusted ends the
     * chain, be it an intermediate one, and trusted ones are tried before those the
     * server sent. */
    X509_STORE_set_flags(store->certificates,
                         X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    ERR_clear_error();
    bool is_loaded = file && X509_STORE_load_file(store->certificates, file) == 1;
    if (!is_loaded && is_explicit) {
        error_set(err, ERROR_INVALID, "fetch.ca_file: no certificates from %.256s: %s",
                  file, openssl_reason());
        tls_store_free(store);
        store = NULL;
    }
    ERR_clear_error();
    return store;
}

void tls_store_free(struct tls_store *store)
{
    if (!store || atomic_fetch_sub_explicit(&store->holds, 1, memory_order_acq_rel) > 1)
        return;
    X509_STORE_free(store->certificates);
    free(store);
}

size_t tls_store_count(const struct tls_store *store)
{
    int count = sk_X509_OBJECT_num(X509_STORE_get0_objects(store->certificates));
    return count > 0 ? (size_t)count : 0;
}

void tls_store_attach(const struct tls_store *store, void *ssl_ctx)
{
    X509_STORE_up_ref(store->certificates);
    SSL_CTX_set_cert_store(ssl_ctx, store->certificates); /* takes the reference */
}
