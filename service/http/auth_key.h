/* SPDX-License-Identifier: Apache-2.0 */
/* API keys as texts: making one, hashing one, and finding the id in one. auth.c compares
 * them.
 *
 *     gd_0123456789ab_<48 hex digits>
 *        id           secret
 */
#pragma once

#include "base/slice.h"

enum {
    AUTH_KEY_ID_SIZE = 12, /* hex digits */
    AUTH_KEY_SECRET_SIZE = 48,
    AUTH_KEY_TEXT_MAX = 3 + AUTH_KEY_ID_SIZE + 1 + AUTH_KEY_SECRET_SIZE + 1,
    AUTH_KEY_HASH_SIZE = 32,
};

struct auth_key {
    char text[AUTH_KEY_TEXT_MAX]; /* the secret: wipe it */
    char id[AUTH_KEY_ID_SIZE + 1];
    char hash_hex[2 * AUTH_KEY_HASH_SIZE + 1];
};

/* auth_key_make makes a new key: 48 random bits of id, 192 of secret, and the hex of the
 * SHA-256 of its text. A plain hash is enough for keys that nobody can guess; passwords
 * would need a slow one. */
void auth_key_make(struct auth_key *key);

/* auth_key_id returns where the 12 digits of the id stand in a key as it was presented;
 * NULL when it has not the form of a key with an id. */
const char *auth_key_id(struct slice presented);

/* auth_key_hash: SHA-256 of a key as a client presents it. */
void auth_key_hash(const char *key, unsigned char hash[AUTH_KEY_HASH_SIZE]);
