/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: find the hash by the id, hash what was presented, compare. It keeps and logs
 * no key, wipes its own copy of the hash, and does not stop at the first match.
 * exchange_check.c calls it before a body is read. */
#include "http/auth.h"

#include "base/memory.h"
#include "http/auth_key.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* Longer than any key we print; hashing more would be work for nothing. */
enum { KEY_MAX = 512 };

struct auth {
    const struct config_key **with_id; /* sorted by it */
    size_t with_id_count;
    const struct config_key **without_id;
    size_t without_id_count;
};

static int by_id(const void *a, const void *b)
{
    const struct config_key *const *one = a;
    const struct config_key *const *other = b;
    return memcmp((*one)->id, (*other)->id, AUTH_KEY_ID_SIZE);
}

struct auth *auth_new(const struct config *config)
{
    size_t count = config->auth.keys.count;
    struct auth *auth = memory_new(sizeof *auth);
    auth->with_id = memory_new((count + 1) * sizeof *auth->with_id);
    auth->without_id = memory_new((count + 1) * sizeof *auth->without_id);
    for (size_t i = 0; i < count; i++) {
        const struct config_key *key = &config->auth.keys.items[i];
        if (*key->id)
            auth->with_id[auth->with_id_count++] = key;
        else
            auth->without_id[auth->without_id_count++] = key;
    }
    qsort(auth->with_id, auth->with_id_count, sizeof *auth->with_id, by_id);
    return auth;
}

void auth_free(struct auth *auth)
{
    if (!auth)
        return;
    free(auth->with_id);
    free(auth->without_id);
    free(auth);
}

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

/* The key that has this id, or NULL. Takes the same steps whether there is one. */
static const struct config_key *find_id(const struct auth *auth, const char *id)
{
    size_t from = 0;
    for (size_t left = auth->with_id_count; left > 1;) {
        size_t half = left / 2;
        if (memcmp(auth->with_id[from + half]->id, id, AUTH_KEY_ID_SIZE) <= 0)
            from += half;
        left -= half;
    }
    if (auth->with_id_count == 0 ||
        memcmp(auth->with_id[from]->id, id, AUTH_KEY_ID_SIZE) != 0)
        return NULL;
    return auth->with_id[from];
}

static bool is_hash_of(const struct config_key *key, const unsigned char *digest,
                       struct auth_result *result)
{
    result->comparisons++;
    return CRYPTO_memcmp(digest, key->sha256, SHA256_DIGEST_LENGTH) == 0;
}

struct auth_result auth_find(const struct auth *auth, struct slice authorization,
                             struct slice api_key)
{
    static const struct config_key nobody; /* nothing has a hash of zeros */
    struct auth_result result = {0};
    struct slice key = authorization.len ? bearer_key(authorization) : api_key;
    if (key.len == 0 || key.len > KEY_MAX)
        return result;
    const char *id = auth_key_id(key);
    const struct config_key *known = id ? find_id(auth, id) : NULL;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)key.data, key.len, digest);
    result.hashes++;
    bool is_right = is_hash_of(known ? known : &nobody, digest, &result);
    if (is_right && known)
        result.key = known;
    for (size_t i = 0; i < auth->without_id_count; i++) {
        if (is_hash_of(auth->without_id[i], digest, &result))
            result.key = auth->without_id[i];
    }
    OPENSSL_cleanse(digest, sizeof digest);
    return result;
}
