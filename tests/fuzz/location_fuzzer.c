/* SPDX-License-Identifier: Apache-2.0 */
/* A redirect: the first byte chooses where it comes from, the rest is its Location. What
 * it leads to is vetted as every URL is; a path stays at its host. */
#include "fetch/url.h"
#include "fuzzer.h"
#include "vetted.h"

#include <string.h>

static const char *const bases[] = {
    "http://93.184.216.34/a/b?c#d",
    "https://[2606:2800:220:1::34]:8443/",
    "http://name.example/x/../y/./z",
    "HTTP://NAME.example.:8080",
};

static bool is_path(const char *location)
{
    if (location[0] == '?' || location[0] == '#')
        return true;
    return location[0] == '/' && location[1] != '/' && location[1] != '\\';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct target sources[sizeof bases / sizeof *bases];
    struct target to;
    if (size == 0)
        return 0;
    size_t chosen = data[0] % (sizeof bases / sizeof *bases);
    const char *base = bases[chosen];
    struct target *from = &sources[chosen];
    char *location = calloc(1, size);
    MUST_HOLD(location != NULL);
    memcpy(location, data + 1, size - 1);
    if (from->port == 0)
        MUST_HOLD(vetted_check(base, from));
    char *joined = url_join(base, location);
    if (joined && vetted_check(joined, &to) && is_path(location))
        MUST_HOLD(strcmp(from->host, to.host) == 0 && from->port == to.port &&
                  strcmp(from->scheme, to.scheme) == 0);
    free(joined);
    free(location);
    return 0;
}
