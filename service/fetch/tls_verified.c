/* SPDX-License-Identifier: Apache-2.0 */
/* A table of fixed size in which a chain's place follows from its digest. It stands in
 * front of X509_verify_cert, as OpenSSL's callback for the whole of the verification. */
#include "fetch/tls_verified.h"

#include "base/memory.h"
#include "fetch/tls_expiry.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <stdlib.h>
#include <string.h>

enum { DIGEST_SIZE = 32 };

struct entry {
    unsigned char digest[DIGEST_SIZE];
    uint64_t ends_ms; /* 0: empty */
};

struct tls_verified {
    const struct loop *loop;
    struct entry entries[TLS_VERIFIED_MAX];
};

struct tls_verified *tls_verified_new(const struct loop *loop)
{
    struct tls_verified *verified = memory_new(sizeof *verified);
    verified->loop = loop;
    return verified;
}

void tls_verified_free(struct tls_verified *verified)
{
    free(verified);
}

static bool add_certificate(EVP_MD_CTX *hash, X509 *certificate)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    bool is_fine = len > 0 && EVP_DigestUpdate(hash, der, (size_t)len) == 1;
    OPENSSL_free(der);
    return is_fine;
}

/* DER says where it ends, so certificates one behind the other are not ambiguous. */
static bool digest_chain(X509_STORE_CTX *context, unsigned char digest[DIGEST_SIZE])
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(context);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool is_fine = hash && sk_X509_num(sent) > 0 &&
                   sk_X509_value(sent, 0) == X509_STORE_CTX_get0_cert(context) &&
                   EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    for (int i = 0; is_fine && i < sk_X509_num(sent); i++)
        is_fine = add_certificate(hash, sk_X509_value(sent, i));
    is_fine = is_fine && EVP_DigestFinal_ex(hash, digest, NULL) == 1;
    EVP_MD_CTX_free(hash);
    return is_fine;
}

/* Till when the chain that was found, the authority included, is good. */
static uint64_t ends_ms_of(const struct tls_verified *verified, X509_STORE_CTX *context)
{
    uint64_t left_ms = TLS_VERIFIED_LIFE_MS;
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        uint64_t this_ms = tls_expiry_left_ms(sk_X509_value(chain, i));
        if (this_ms < left_ms)
            left_ms = this_ms;
    }
    return verified->loop->now_ms + left_ms;
}

static int on_verify(X509_STORE_CTX *context, void *data)
{
    struct tls_verified *verified = data;
    unsigned char digest[DIGEST_SIZE];
    if (!digest_chain(context, digest))
        return X509_verify_cert(context);
    struct entry *entry = &verified->entries[digest[0] % TLS_VERIFIED_MAX];
    uint64_t now_ms = verified->loop->now_ms;
    if (entry->ends_ms > now_ms && memcmp(entry->digest, digest, DIGEST_SIZE) == 0) {
        X509_STORE_CTX_set_error(context, X509_V_OK);
        return 1;
    }
    int result = X509_verify_cert(context);
    if (result == 1 && X509_STORE_CTX_get_error(context) == X509_V_OK) {
        memcpy(entry->digest, digest, DIGEST_SIZE);
        entry->ends_ms = ends_ms_of(verified, context);
    }
    return result;
}

void tls_verified_attach(struct tls_verified *verified, void *ssl_ctx)
{
    SSL_CTX_set_cert_verify_callback(ssl_ctx, on_verify, verified);
}
