/* SPDX-License-Identifier: Apache-2.0 */
/* Two lines, two URLs: the first is remembered when it was vetted. Where the second is
 * then taken for one that leads to the same origin without being parsed, parsing it must
 * give just that. */
#include "fuzzer.h"

#include "fetch/origin.h"
#include "fetch/url.h"
#include "vetted.h"

#include <string.h>

static void check(struct origins *origins, const char *first, const char *second)
{
    struct target target;
    const char *reason = NULL;
    if (!url_parse(slice_from(first), &target, &reason))
        return;
    struct origin *origin = origins_get(origins, &target);
    origins_remember(origins, origin, slice_from(first));
    struct origin *found = origins_recall(origins, slice_from(second));
    if (!found)
        return;
    MUST_HOLD(found == origin);
    MUST_HOLD(url_parse(slice_from(second), &target, &reason));
    MUST_HOLD(strcmp(target.scheme, origin->target.scheme) == 0 &&
              strcmp(target.host, origin->target.host) == 0 &&
              target.port == origin->target.port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 1);
    MUST_HOLD(text != NULL);
    memcpy(text, data, size);
    char *line_end = strchr(text, '\n');
    if (line_end) {
        struct origins *origins = origins_new(vetted_guard(), 1);
        *line_end = '\0';
        check(origins, text, line_end + 1);
        origins_free(origins);
    }
    free(text);
    return 0;
}
