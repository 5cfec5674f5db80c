/* SPDX-License-Identifier: Apache-2.0 */
/* URLs: what passes has a host of label characters or is an address, and the guard of the
 * defaults lets no private address through that is written in it. */
#include "fuzzer.h"

#include "config/config.h"
#include "fetch/address_class.h"
#include "fetch/url.h"

#include <string.h>

static void check_target(const struct target *target)
{
    static const char labels[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    if (strcmp(target->scheme, "http") != 0 && strcmp(target->scheme, "https") != 0)
        return; /* the guard refuses it by its scheme */
    MUST_HOLD(target->port != 0 && target->host[0] != '\0');
    if (!target->is_literal)
        MUST_HOLD(strspn(target->host, labels) == strlen(target->host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct guard *guard;
    struct error err;
    if (!guard) {
        struct config *config = config_defaults();
        guard = guard_new(config, NULL, &err);
        config_free(config);
        MUST_HOLD(guard != NULL);
    }
    char *text = malloc(size + 1);
    MUST_HOLD(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    struct target target;
    const char *reason = NULL;
    if (url_parse(slice_make(text, size), &target, &reason)) {
        check_target(&target);
        if (strstr(target.host, "127.0.0.1") == target.host && target.is_literal)
            MUST_HOLD(guard_judge_target(guard, &target, &reason) != VERDICT_ALLOW);
    } else {
        MUST_HOLD(reason != NULL);
    }
    free(text);
    return 0;
}
