/* SPDX-License-Identifier: Apache-2.0 */
/* API keys as presented: an Authorization value, a line feed, an X-Api-Key value. Only
 * the texts of the two configured keys let anybody in, and a key of one shape always
 * costs the same. */
#include "fuzzer.h"

#include "http/auth.h"
#include "http/auth_key.h"

#include <string.h>

#define WITH_ID "gd_0123456789ab_0123456789abcdef0123456789abcdef0123456789abcdef"
#define WITHOUT_ID "gd_an_old_key"

static struct auth *make_auth(void)
{
    static char new_name[] = "new", old_name[] = "old", no_id[] = "";
    static struct config_key keys[] = {{.name = new_name},
                                       {.name = old_name, .id = no_id}};
    static struct config *config; /* outlives the keys made of it */
    config = config_defaults();
    keys[0].id = strndup(auth_key_id(slice_from(WITH_ID)), AUTH_KEY_ID_SIZE);
    auth_key_hash(WITH_ID, keys[0].sha256);
    auth_key_hash(WITHOUT_ID, keys[1].sha256);
    config->auth.keys.items = keys;
    config->auth.keys.count = 2;
    return auth_new(config);
}

/* Nothing before the key but the scheme, blanks around it. */
static bool holds_key(struct slice text, const char *key)
{
    size_t len = strlen(key);
    const char *at = memmem(text.data, text.len, key, len);
    if (!at)
        return false;
    for (const char *after = at + len; after < text.data + text.len; after++) {
        if (*after != ' ' && *after != '\t')
            return false;
    }
    return true;
}

static void check_id(struct slice presented)
{
    const char *id = auth_key_id(presented);
    if (!id)
        return;
    MUST_HOLD(id >= presented.data &&
              id + AUTH_KEY_ID_SIZE <= presented.data + presented.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct auth *auth;
    if (!auth)
        auth = make_auth();
    const char *text = (const char *)data;
    const char *feed = size ? memchr(text, '\n', size) : NULL;
    size_t len = feed ? (size_t)(feed - text) : size;
    size_t skip = feed ? len + 1 : len;
    struct slice authorization = slice_make(text, len);
    struct slice api_key = slice_make(text + skip, size - skip);
    struct auth_result found = auth_find(auth, authorization, api_key);
    struct slice presented = authorization.len ? authorization : api_key;
    if (found.key) {
        bool is_new = strcmp(found.key->name, "new") == 0;
        MUST_HOLD(presented.len > 0);
        MUST_HOLD(holds_key(presented, is_new ? WITH_ID : WITHOUT_ID));
    } else {
        MUST_HOLD(!slice_is(api_key, WITH_ID) || authorization.len);
        MUST_HOLD(!slice_is(authorization, "Bearer " WITH_ID));
    }
    MUST_HOLD(found.hashes <= 1);
    MUST_HOLD(found.comparisons == 2 * found.hashes);
    check_id(authorization);
    check_id(api_key);
    return 0;
}
