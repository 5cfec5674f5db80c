/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes: method, path, body limit, who may, handler. Paths are compared
 * with the raw target byte by byte, nothing decoded or normalised, so there is one
 * spelling of each. */
#pragma once

#include "base/slice.h"
#include "http/front.h"

#include <stdbool.h>
#include <stddef.h>

struct exchange;

/* A handler answers the exchange or calls exchange_wait, exactly one of them. */
typedef void route_fn(struct exchange *exchange);

struct route {
    const char *method;
    const char *path; /* a final '*' matches any rest without '/' */
    bool has_body;    /* JSON of at most server.request_max_bytes; else none may come */
    bool needs_key;   /* when keys are required at all */
    unsigned ports;   /* ROUTE_ON_… bits: on which listeners */
    route_fn *handler;
};

enum { ROUTES_ALLOW_MAX = 64 };

enum routes_verdict {
    ROUTES_FOUND,
    ROUTES_NO_PATH,
    ROUTES_NOT_HERE, /* the path exists, but not for those who come this way */
    ROUTES_NO_METHOD,
};

/* The way a request came. */
struct routes_place {
    enum front_role role;
    bool has_ops;    /* operations have a listener of their own */
    bool is_local;   /* the listener it came through is loopback or a unix socket */
    bool needs_keys; /* callers of batches show keys */
};

/* routes_is_guarded: it is an operator's, whose browser the pages of others must not use
 * for it: the Host must be one that nobody else can own, and a POST must not come from
 * another site (same_site.h). So are all rows that not every listener of their role has.
 */
bool routes_is_guarded(const struct route *route);

/* routes_find looks `path` up for what came by `place`. A GET route also takes HEAD. For
 * ROUTES_NO_METHOD the methods the path has go to `ret_allow`, as the Allow header's
 * value. */
enum routes_verdict routes_find(const char *method, struct slice path,
                                struct routes_place place, const struct route **ret_route,
                                char ret_allow[ROUTES_ALLOW_MAX]);
