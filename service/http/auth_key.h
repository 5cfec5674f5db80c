/* SPDX-License-Identifier: Apache-2.0 */
/* API keys as texts: making one and hashing one. auth.c compares them. */
#pragma once

enum {
    AUTH_KEY_TEXT_MAX = 64, /* "gd_" and 56 hex digits, with NUL */
    AUTH_KEY_HASH_SIZE = 32,
};

/* auth_key_make writes a new key of 224 random bits and the hex of its SHA-256. A plain
 * hash is enough for keys that nobody can guess; passwords would need a slow one. */
void auth_key_make(char key[AUTH_KEY_TEXT_MAX],
                   char hash_hex[2 * AUTH_KEY_HASH_SIZE + 1]);

/* auth_key_hash: SHA-256 of a key as a client presents it. */
void auth_key_hash(const char *key, unsigned char hash[AUTH_KEY_HASH_SIZE]);
