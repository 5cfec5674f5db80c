/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the name in Host with a list. That the header is well formed was seen to
 * before (request_head.c); an IPv6 literal is compared as it is written. */
#include "http/host_list.h"

#include <string.h>

static struct slice without_port(struct slice host)
{
    const char *end = host.len ? memrchr(host.data, ':', host.len) : NULL;
    const char *bracket = host.len ? memrchr(host.data, ']', host.len) : NULL;
    if (end && (!bracket || end > bracket))
        host.len = (size_t)(end - host.data);
    if (host.len > 1 && host.data[host.len - 1] == '.')
        host.len--;
    return host;
}

bool host_list_has(const struct config_strings *hosts, struct slice host)
{
    struct slice name = without_port(host);
    for (size_t i = 0; i < hosts->count; i++) {
        if (slice_is_ignoring_case(name, hosts->items[i]))
            return true;
    }
    return hosts->count == 0;
}
