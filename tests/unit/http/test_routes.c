/* SPDX-License-Identifier: Apache-2.0 */
/* Which request reaches which handler, and what Allow says otherwise. */
#include "http/routes.h"

#include "http/handlers.h"

#include <criterion/criterion.h>

static char allow[ROUTES_ALLOW_MAX];
static const struct route *route;
static struct routes_place place = {.role = FRONT_MAIN, .is_local = true};

static enum routes_verdict find(const char *method, const char *path)
{
    return routes_find(method, slice_from(path), place, &route, allow);
}

Test(routes, every_resource_has_its_handler)
{
    static const struct {
        const char *method, *path;
        route_fn *handler;
    } expected[] = {
        {"POST", "/v1/batch", handle_batch_post},
        {"GET", "/v1/batch", handle_batch_get},
        {"POST", "/v1/explain", handle_explain_post},
        {"GET", "/console", handle_console_page},
        {"GET", "/console/main.js", handle_console_asset},
        {"GET", "/-/live", handle_live_get},
        {"GET", "/healthz", handle_ops_health},
        {"GET", "/readyz", handle_ops_ready},
        {"GET", "/metrics", handle_ops_metrics},
        {"GET", "/problems/x", handle_ops_problem},
        {"GET", "/", handle_ops_index},
        {"GET", "/openapi.yaml", handle_ops_openapi},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cr_assert(find(expected[i].method, expected[i].path) == ROUTES_FOUND, "%s",
                  expected[i].path);
        cr_expect(route->handler == expected[i].handler, "%s", expected[i].path);
    }
}

Test(routes, head_goes_where_get_goes)
{
    cr_assert(find("HEAD", "/healthz") == ROUTES_FOUND);
    cr_expect(route->handler == handle_ops_health);
}

Test(routes, a_wrong_method_lists_the_right_ones)
{
    cr_assert(find("DELETE", "/v1/batch") == ROUTES_NO_METHOD);
    cr_expect_str_eq(allow, "POST, GET, HEAD");
    cr_assert(find("POST", "/healthz") == ROUTES_NO_METHOD);
    cr_expect_str_eq(allow, "GET, HEAD");
    cr_expect(find("get", "/healthz") == ROUTES_NO_METHOD, "methods are case-sensitive");
    cr_expect(find("TRACE", "/") == ROUTES_NO_METHOD);
}

Test(routes, a_path_has_one_spelling)
{
    static const char *const wrong[] = {"/healthz/",
                                        "//healthz",
                                        "/HEALTHZ",
                                        "/%68ealthz",
                                        "/healthz%00",
                                        "/healthz;a",
                                        "/./healthz",
                                        "/v1/../healthz",
                                        "/v1/batch/",
                                        "/v1",
                                        "",
                                        "healthz",
                                        "/problems",
                                        "/problems/",
                                        "/problems/a/b",
                                        "/openapi.yaml.bak",
                                        "/console/",
                                        "/console/a/b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect(find("GET", wrong[i]) == ROUTES_NO_PATH, "%s", wrong[i]);
}

Test(routes, only_the_batch_takes_a_body_and_a_key)
{
    cr_assert(find("POST", "/v1/batch") == ROUTES_FOUND);
    cr_expect(route->has_body && route->needs_key);
    cr_assert(find("GET", "/v1/batch") == ROUTES_FOUND);
    cr_expect(!route->has_body && route->needs_key);
    cr_assert(find("GET", "/healthz") == ROUTES_FOUND);
    cr_expect(!route->has_body && !route->needs_key);
}

Test(routes, operations_move_to_their_own_listener)
{
    place.has_ops = true;
    cr_expect(find("GET", "/metrics") == ROUTES_NO_PATH);
    cr_expect(find("GET", "/readyz") == ROUTES_NO_PATH);
    cr_expect(find("GET", "/healthz") == ROUTES_FOUND);
    place.role = FRONT_OPS;
    cr_expect(find("GET", "/metrics") == ROUTES_FOUND);
    cr_expect(find("GET", "/openapi.yaml") == ROUTES_NO_PATH);
}

Test(routes, the_console_is_for_operators)
{
    place.is_local = false;
    cr_expect(find("GET", "/console") == ROUTES_NOT_HERE, "strangers may come this way");
    place.is_local = true;
    cr_expect(find("GET", "/console") == ROUTES_FOUND);
    place.has_ops = true;
    cr_expect(find("GET", "/console") == ROUTES_NOT_HERE, "it has moved");
    place.role = FRONT_OPS;
    place.is_local = false;
    cr_expect(find("GET", "/console") == ROUTES_FOUND);
    cr_expect(routes_is_guarded(route));
}

Test(routes, the_operations_listener_takes_batches_of_those_it_can_tell)
{
    static const char *const paths[] = {"/v1/batch", "/v1/explain"};
    place = (struct routes_place){.role = FRONT_OPS, .has_ops = true};
    for (size_t i = 0; i < 2; i++) {
        place.is_local = place.needs_keys = false;
        cr_expect(find("POST", paths[i]) == ROUTES_NOT_HERE, "%s", paths[i]);
        place.is_local = true;
        cr_assert(find("POST", paths[i]) == ROUTES_FOUND, "%s", paths[i]);
        cr_expect(routes_is_guarded(route) && route->needs_key && route->has_body);
        place.is_local = false;
        place.needs_keys = true;
        cr_expect(find("POST", paths[i]) == ROUTES_FOUND, "%s", paths[i]);
        cr_expect(find("GET", paths[i]) == ROUTES_NO_METHOD, "a link could send it");
        cr_expect_str_eq(allow, "POST");
    }
}

Test(routes, batches_of_callers_are_not_guarded)
{
    cr_assert(find("POST", "/v1/batch") == ROUTES_FOUND);
    cr_expect_not(routes_is_guarded(route));
}
