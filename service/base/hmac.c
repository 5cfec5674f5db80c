/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL looks an algorithm up by its name, under a lock and at some cost: done once for
 * the process. Keeps no key. Called where webhooks are signed. */
#include "base/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <string.h>

static EVP_MAC *algorithm;
static pthread_once_t algorithm_once = PTHREAD_ONCE_INIT;

static void fetch_algorithm(void)
{
    algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

static bool sign(EVP_MAC_CTX *context, struct slice key, const struct slice *parts,
                 size_t count, unsigned char *ret_digest)
{
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t size;
    if (!EVP_MAC_init(context, (const unsigned char *)key.data, key.len, parameters))
        return false;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *bytes = (const unsigned char *)parts[i].data;
        if (parts[i].len && !EVP_MAC_update(context, bytes, parts[i].len))
            return false;
    }
    return EVP_MAC_final(context, ret_digest, &size, HMAC_SHA256_SIZE) == 1;
}

bool hmac_sha256(struct slice key, const struct slice *parts, size_t count,
                 unsigned char ret_digest[HMAC_SHA256_SIZE])
{
    unsigned char digest[HMAC_SHA256_SIZE];
    pthread_once(&algorithm_once, fetch_algorithm);
    EVP_MAC_CTX *context = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
    bool is_signed = context && sign(context, key, parts, count, digest);
    EVP_MAC_CTX_free(context); /* wipes the key it held */
    if (is_signed)
        memcpy(ret_digest, digest, sizeof digest);
    return is_signed;
}
