/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are 28 random bytes in hex behind "gd_", so that a leaked one is recognised by
 * secret scanners. Hashing is OpenSSL's. */
#include "http/auth_key.h"

#include "base/hex.h"
#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

void auth_key_hash(const char *key, unsigned char hash[AUTH_KEY_HASH_SIZE])
{
    SHA256((const unsigned char *)key, strlen(key), hash);
}

void auth_key_make(char key[AUTH_KEY_TEXT_MAX], char hash_hex[2 * AUTH_KEY_HASH_SIZE + 1])
{
    enum { RANDOM_BYTES = 28 };
    char digits[2 * RANDOM_BYTES + 1];
    random_hex(digits, RANDOM_BYTES);
    snprintf(key, AUTH_KEY_TEXT_MAX, "gd_%s", digits);
    OPENSSL_cleanse(digits, sizeof digits);
    unsigned char hash[AUTH_KEY_HASH_SIZE];
    auth_key_hash(key, hash);
    hex_write(hash_hex, hash, sizeof hash);
}
