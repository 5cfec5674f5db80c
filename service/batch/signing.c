/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets stay in the configuration as they were written and are decoded for each
 * signature, on the stack, wiped behind it: 0.2 µs beside the hash of a body. Refuses no
 * secret: what is in the configuration was checked (syntax_is_webhook_secret). */
#include "batch/signing.h"

#include "base/hmac.h"
#include "base/json_text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 64, PREFIX_LEN = 6 /* whsec_ */ };

bool signing_may_use(const struct config_webhook_secret *secret, const char *caller)
{
    for (size_t i = 0; i < secret->keys.count; i++) {
        const char *key = secret->keys.items[i];
        if (strcmp(key, "*") == 0 || strcmp(key, caller) == 0)
            return true;
    }
    return secret->keys.count == 0;
}

bool signing_find(const struct config *config, const char *caller, struct slice name,
                  struct signing *ret_signing)
{
    struct signing found = {.name = name};
    for (size_t i = 0; i < config->webhooks.secrets.count; i++) {
        const struct config_webhook_secret *secret = &config->webhooks.secrets.items[i];
        if (slice_is(name, secret->name) && signing_may_use(secret, caller)) {
            assert(found.secret_count < SIGNING_SECRETS_MAX);
            found.secrets[found.secret_count++] = secret->secret;
        }
    }
    if (found.secret_count == 0)
        return false;
    *ret_signing = found;
    return true;
}

bool signing_id_is_valid(struct slice id)
{
    if (id.len < 1 || id.len > SIGNING_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        if (id.data[i] <= ' ' || id.data[i] > '~' || strchr(".{}", id.data[i]))
            return false;
    }
    return true;
}

static struct buffer on_stack(char *room, size_t size)
{
    return (struct buffer){.data = room, .cap = size, .max = size};
}

static bool hash(const char *secret, const struct slice *parts, size_t count,
                 unsigned char *ret_digest)
{
    char room[KEY_MAX];
    struct buffer key = on_stack(room, sizeof room);
    bool is_decoded = base64_decode(&key, slice_from(secret + PREFIX_LEN));
    assert(is_decoded);
    bool is_hashed =
        is_decoded && hmac_sha256(buffer_slice(&key), parts, count, ret_digest);
    explicit_bzero(room, sizeof room);
    return is_hashed;
}

/* "v1," and the base64 of a digest, without the quotes json_text puts around it. */
static char *put(char *to, const unsigned char *digest)
{
    char room[64];
    struct buffer quoted = on_stack(room, sizeof room);
    json_text_append_base64(&quoted, slice_make((const char *)digest, HMAC_SHA256_SIZE));
    assert(quoted.len == 46 && !quoted.failed);
    memcpy(to, "v1,", 3);
    memcpy(to + 3, room + 1, 44);
    return to + 3 + 44;
}

bool signing_sign(const struct signing *signing, struct slice id, uint64_t now_s,
                  struct slice body, struct signature *ret_signature)
{
    struct signature made;
    int len = snprintf(made.timestamp, sizeof made.timestamp, "%" PRIu64, now_s);
    const struct slice dot = slice_make(".", 1);
    const struct slice parts[] = {id, dot, slice_make(made.timestamp, (size_t)len), dot,
                                  body};
    char *to = made.text;
    bool is_signed = true;
    for (size_t i = 0; is_signed && i < signing->secret_count; i++) {
        unsigned char digest[HMAC_SHA256_SIZE] = {0};
        is_signed =
            hash(signing->secrets[i], parts, sizeof parts / sizeof *parts, digest);
        if (i > 0)
            *to++ = ' ';
        to = put(to, digest);
    }
    *to = '\0';
    if (is_signed)
        *ret_signature = made;
    return is_signed;
}
