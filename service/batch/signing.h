/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures after Standard Webhooks 1.0.0 (standardwebhooks.com), symmetric:
 *
 *     webhook-id: msg_…                   the same for every attempt of an item
 *     webhook-timestamp: 1674087231       of this attempt, Unix seconds
 *     webhook-signature: v1,BASE64        HMAC-SHA256 of id.timestamp.body; while a
 * secret is replaced by another one of each, by a space
 *
 * Pure: the id and the time are given. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIGNING_SECRETS_MAX = 2,
    SIGNING_ID_MAX = 128,
    SIGNATURE_TEXT_SIZE = SIGNING_SECRETS_MAX * (3 + 44 + 1),
};

/* What an item is signed with; made by the parser. */
struct signing {
    struct slice name;                        /* of the secrets */
    const char *secrets[SIGNING_SECRETS_MAX]; /* the configuration's: "whsec_…" */
    size_t secret_count;
};

/* signing_may_use: may the caller `caller` ("" for everybody) sign with `secret`? */
bool signing_may_use(const struct config_webhook_secret *secret, const char *caller);

/* signing_find fills `ret_signing` with the secrets named `name` that the caller may use;
 * false: there is none. */
bool signing_find(const struct config *config, const char *caller, struct slice name,
                  struct signing *ret_signing) MUST_CHECK;

/* signing_id_is_valid: 1 to SIGNING_ID_MAX visible ASCII characters but '.', which is
 * what keeps id, time and body apart, and braces: a reference could bring one in. */
bool signing_id_is_valid(struct slice id);

struct signature {
    char timestamp[24];
    char text[SIGNATURE_TEXT_SIZE];
};

/* signing_sign signs `body` as sent at `now_s`. False: there is no memory. */
bool signing_sign(const struct signing *signing, struct slice id, uint64_t now_s,
                  struct slice body, struct signature *ret_signature) MUST_CHECK;
