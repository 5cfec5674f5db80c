/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: hash what was presented, compare with all that is configured. It keeps and
 * logs no key, and does not stop at the first match. exchange.c calls it before a body is
 * read. */
#include "http/auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

/* Longer than any key we print; hashing more would be work for nothing. */
enum { KEY_MAX = 512 };

bool auth_is_required(const struct config *config)
{
    if (config->auth.mode == AUTH_AUTO)
        return config->auth.keys.count > 0;
    return config->auth.mode == AUTH_KEYS;
}

/* The credentials of the Bearer scheme (RFC 6750 2.1), empty if it is another scheme. */
static struct slice bearer_key(struct slice authorization)
{
    static const char scheme[] = "Bearer ";
    size_t len = sizeof scheme - 1;
    if (authorization.len <= len || strncasecmp(authorization.data, scheme, len) != 0)
        return slice_make(NULL, 0);
    struct slice key = slice_make(authorization.data + len, authorization.len - len);
    while (key.len && key.data[0] == ' ')
        key = slice_make(key.data + 1, key.len - 1);
    return key;
}

const struct config_key *auth_caller(const struct config *config,
                                     struct slice authorization, struct slice api_key)
{
    struct slice key = authorization.len ? bearer_key(authorization) : api_key;
    if (key.len == 0 || key.len > KEY_MAX)
        return NULL;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)key.data, key.len, digest);
    const struct config_key *caller = NULL;
    for (size_t i = 0; i < config->auth.keys.count; i++) {
        const struct config_key *known = &config->auth.keys.items[i];
        if (CRYPTO_memcmp(digest, known->sha256, sizeof digest) == 0)
            caller = known;
    }
    return caller;
}
