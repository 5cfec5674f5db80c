/* SPDX-License-Identifier: Apache-2.0 */
/* Accept headers: whatever is sent, one of the forms is chosen, JSON where nothing else
 * was asked for by its name; another line that says nothing changes nothing; what accepts
 * all forms least is the same as not to be there. */
#include "fuzzer.h"

#include "http/accept.h"

#include <string.h>

static struct accept_choice choose(struct slice first, const char *second)
{
    struct accept accept = {.is_there = false};
    accept_add(&accept, first);
    if (second)
        accept_add(&accept, slice_from(second));
    return accept_choose(&accept);
}

static bool mentions(struct slice text, const char *type)
{
    size_t len = strlen(type);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (strncasecmp(text.data + i, type, len) == 0)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice value = slice_make((const char *)data, size);
    struct accept_choice choice = choose(value, NULL);
    if (choice.form == REPLY_EVENTS)
        MUST_HOLD(mentions(value, "text/") || mentions(value, "*/*"));
    if (choice.form == REPLY_NDJSON)
        MUST_HOLD(mentions(value, "ndjson") || mentions(value, "jsonl") ||
                  mentions(value, "application/") || mentions(value, "*/*"));
    MUST_HOLD(choose(value, " , ,").content_type == choice.content_type);
    MUST_HOLD(choose(value, "image/png;q=0.7").content_type == choice.content_type);
    MUST_HOLD(choose(value, "=").form == REPLY_JSON);
    return 0;
}
