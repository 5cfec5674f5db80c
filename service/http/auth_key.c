/* SPDX-License-Identifier: Apache-2.0 */
/* Keys begin with "gd_", so that secret scanners recognise a leaked one. Hashing is
 * OpenSSL's. Used by auth.c and by gatherd key. */
#include "http/auth_key.h"

#include "base/hex.h"
#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static const char prefix[] = "gd_";
enum { PREFIX_SIZE = sizeof prefix - 1 };

void auth_key_hash(const char *key, unsigned char hash[AUTH_KEY_HASH_SIZE])
{
    SHA256((const unsigned char *)key, strlen(key), hash);
}

void auth_key_make(struct auth_key *key)
{
    char secret[AUTH_KEY_SECRET_SIZE + 1];
    random_hex(key->id, AUTH_KEY_ID_SIZE / 2);
    random_hex(secret, AUTH_KEY_SECRET_SIZE / 2);
    snprintf(key->text, sizeof key->text, "%s%s_%s", prefix, key->id, secret);
    OPENSSL_cleanse(secret, sizeof secret);
    unsigned char hash[AUTH_KEY_HASH_SIZE];
    auth_key_hash(key->text, hash);
    hex_write(key->hash_hex, hash, sizeof hash);
}

const char *auth_key_id(struct slice presented)
{
    if (presented.len != AUTH_KEY_TEXT_MAX - 1 ||
        memcmp(presented.data, prefix, PREFIX_SIZE) != 0 ||
        presented.data[PREFIX_SIZE + AUTH_KEY_ID_SIZE] != '_')
        return NULL;
    return presented.data + PREFIX_SIZE;
}
