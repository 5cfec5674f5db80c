/* SPDX-License-Identifier: Apache-2.0 */
/* Compares what a browser says of itself with what is ours. Called by exchange_check.c.
 */
#include "http/same_site.h"

#include "http/host_list.h"

#include <arpa/inet.h>

/* Browsers write IPv6 in brackets and every IPv4 address as four numbers. */
static bool is_number(struct slice host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;
    if (host.len && host.data[0] == '[')
        return true;
    const char *port = host.len ? memchr(host.data, ':', host.len) : NULL;
    size_t len = port ? (size_t)(port - host.data) : host.len;
    if (len >= sizeof text)
        return false;
    memcpy(text, host.data, len);
    text[len] = '\0';
    return inet_pton(AF_INET, text, &address) == 1;
}

bool same_site_host(struct slice host, const struct config_strings *hosts)
{
    char localhost[] = "localhost";
    char *names[] = {localhost};
    const struct config_strings own = {.items = names, .count = 1};
    return host.len == 0 || is_number(host) || host_list_has(&own, host) ||
           (hosts->count && host_list_has(hosts, host));
}

bool same_site_sender(struct slice site, struct slice origin, struct slice host)
{
    if (site.len)
        return slice_is(site, "same-origin") || slice_is(site, "none");
    if (!origin.len)
        return true;
    const char *scheme = memmem(origin.data, origin.len, "://", 3);
    if (!scheme)
        return false; /* "null": a page that hides where it is from */
    size_t skip = (size_t)(scheme - origin.data) + 3;
    return slice_equal_ignoring_case(slice_make(origin.data + skip, origin.len - skip),
                                     host);
}
