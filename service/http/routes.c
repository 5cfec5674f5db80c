/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes and its search. It knows no HTTP library and answers nothing;
 * exchange.c asks it in the first handler call, before a byte of a body is read. */
#include "http/routes.h"

#include "http/handlers.h"

#include <stdio.h>
#include <string.h>

enum {
    ROUTE_ON_MAIN = 1,       /* the service's listeners */
    ROUTE_ON_OPS = 2,        /* the operations' listeners */
    ROUTE_ON_MAIN_ALONE = 4, /* the service's, while operations have none of their own */
    /* Such a one of the service that only this machine reaches: for what changes the
     * service or shows more of it than figures. */
    ROUTE_ON_MAIN_LOCAL = 8,
    /* The operations', where keys are needed or only this machine reaches them: else who
     * may scrape could send batches. */
    ROUTE_ON_OPS_VOUCHED = 16,
    /* An operator's: guarded, and elsewhere the answer says why there is nothing. */
    ROUTE_OPERATORS = ROUTE_ON_MAIN_LOCAL | ROUTE_ON_OPS_VOUCHED,
};

static const struct route routes_table[] = {
    {"POST", "/v1/batch", true, true, ROUTE_ON_MAIN, handle_batch_post},
    {"GET", "/v1/batch", false, true, ROUTE_ON_MAIN, handle_batch_get},
    {"POST", "/v1/explain", true, true, ROUTE_ON_MAIN, handle_explain_post},
    /* For the console, which talks to the listener it came from. */
    {"POST", "/v1/batch", true, true, ROUTE_ON_OPS_VOUCHED, handle_batch_post},
    {"POST", "/v1/explain", true, true, ROUTE_ON_OPS_VOUCHED, handle_explain_post},
    {"GET", "/console", false, false, ROUTE_ON_MAIN_LOCAL | ROUTE_ON_OPS,
     handle_console_page},
    {"GET", "/console/*", false, false, ROUTE_ON_MAIN_LOCAL | ROUTE_ON_OPS,
     handle_console_asset},
    {"GET", "/-/live", false, false, ROUTE_ON_MAIN_LOCAL | ROUTE_ON_OPS, handle_live_get},
    {"POST", "/-/reload", false, true, ROUTE_ON_MAIN_LOCAL | ROUTE_ON_OPS_VOUCHED,
     handle_reload_post},
    {"GET", "/healthz", false, false, ROUTE_ON_MAIN | ROUTE_ON_OPS, handle_ops_health},
    {"GET", "/readyz", false, false, ROUTE_ON_MAIN_ALONE | ROUTE_ON_OPS,
     handle_ops_ready},
    {"GET", "/metrics", false, false, ROUTE_ON_MAIN_ALONE | ROUTE_ON_OPS,
     handle_ops_metrics},
    {"GET", "/problems/*", false, false, ROUTE_ON_MAIN, handle_ops_problem},
    {"GET", "/openapi.yaml", false, false, ROUTE_ON_MAIN, handle_ops_openapi},
    {"GET", "/", false, false, ROUTE_ON_MAIN, handle_ops_index},
};

static bool path_matches(const char *pattern, struct slice path)
{
    size_t len = strlen(pattern);
    if (pattern[len - 1] != '*')
        return slice_is(path, pattern);
    size_t fixed = len - 1;
    return path.len > fixed && memcmp(path.data, pattern, fixed) == 0 &&
           !memchr(path.data + fixed, '/', path.len - fixed);
}

bool routes_is_guarded(const struct route *route)
{
    return (route->ports & ROUTE_OPERATORS) != 0;
}

static unsigned ports_of(struct routes_place place)
{
    if (place.role == FRONT_OPS)
        return ROUTE_ON_OPS |
               (place.is_local || place.needs_keys ? ROUTE_ON_OPS_VOUCHED : 0);
    if (place.has_ops)
        return ROUTE_ON_MAIN;
    return ROUTE_ON_MAIN | ROUTE_ON_MAIN_ALONE |
           (place.is_local ? ROUTE_ON_MAIN_LOCAL : 0);
}

/* The table names few and short methods: ROUTES_ALLOW_MAX holds them all. */
static void allow_add(char *allow, const char *method)
{
    size_t len = strlen(allow);
    snprintf(allow + len, ROUTES_ALLOW_MAX - len, "%s%s%s", len ? ", " : "", method,
             strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

enum routes_verdict routes_find(const char *method, struct slice path,
                                struct routes_place place, const struct route **ret_route,
                                char ret_allow[ROUTES_ALLOW_MAX])
{
    unsigned ports = ports_of(place);
    bool is_elsewhere = false;
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    ret_allow[0] = '\0';
    for (size_t i = 0; i < sizeof routes_table / sizeof *routes_table; i++) {
        const struct route *route = &routes_table[i];
        if (!path_matches(route->path, path))
            continue;
        if (!(route->ports & ports)) {
            is_elsewhere |= (route->ports & ROUTE_OPERATORS) != 0;
            continue;
        }
        if (strcmp(route->method, wanted) == 0) {
            *ret_route = route;
            return ROUTES_FOUND;
        }
        allow_add(ret_allow, route->method);
    }
    if (ret_allow[0])
        return ROUTES_NO_METHOD;
    return is_elsewhere ? ROUTES_NOT_HERE : ROUTES_NO_PATH;
}
