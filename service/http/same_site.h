/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request that a browser may have sent was meant by the one who sits at it. For
 * routes of operations and of the console, which a web page from elsewhere must not
 * reach by way of its reader's browser. Pure.
 *
 * Such a page has two ways: it sends to our address (the request then carries its origin:
 * Fetch Metadata, RFC 6454), or it points a name of its own at our address (DNS
 * rebinding; the request then carries that name in Host). */
#pragma once

#include "base/slice.h"
#include "config/config.h"

#include <stdbool.h>

/* same_site_host: no foreign name can be in `host` (the header's value, well formed): it
 * is the number of an address, "localhost", or one of `hosts` (server.hosts). */
bool same_site_host(struct slice host, const struct config_strings *hosts);

/* same_site_sender: by Sec-Fetch-Site, where it came (`site`; browsers let no page set
 * it), else by Origin, the request comes from a page of ours or from no page at all.
 * Headers that did not come are empty slices. */
bool same_site_sender(struct slice site, struct slice origin, struct slice host);
