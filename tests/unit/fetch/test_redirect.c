/* SPDX-License-Identifier: Apache-2.0 */
/* fetch/redirect.h: RFC 9110 15.4, and that secrets stay at home. */
#include "fetch/redirect.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct redirect_decision decide(int status, enum call_method method)
{
    struct redirect_reply reply = {
        .status = status, .locations = 1, .method = method, .followed = 0, .allowed = 3};
    return redirect_decide(&reply);
}

Test(redirect, rewrites_methods_as_the_rfc_says)
{
    static const struct {
        int status;
        enum call_method from, to;
        bool drops_body;
    } rows[] = {
        {301, METHOD_GET, METHOD_GET, false},
        {301, METHOD_POST, METHOD_GET, true},
        {301, METHOD_PUT, METHOD_PUT, false},
        {302, METHOD_POST, METHOD_GET, true},
        {302, METHOD_PATCH, METHOD_PATCH, false},
        {302, METHOD_HEAD, METHOD_HEAD, false},
        {303, METHOD_POST, METHOD_GET, true},
        {303, METHOD_PUT, METHOD_GET, true},
        {303, METHOD_DELETE, METHOD_GET, true},
        {303, METHOD_HEAD, METHOD_HEAD, true},
        {307, METHOD_POST, METHOD_POST, false},
        {308, METHOD_POST, METHOD_POST, false},
        {308, METHOD_DELETE, METHOD_DELETE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct redirect_decision decision = decide(rows[i].status, rows[i].from);
        cr_expect_eq(decision.action, REDIRECT_FOLLOW, "row %zu", i);
        cr_expect_eq(decision.method, rows[i].to, "row %zu", i);
        cr_expect_eq(decision.drops_body, rows[i].drops_body, "row %zu", i);
    }
}

Test(redirect, delivers_everything_else)
{
    static const int statuses[] = {200, 201, 204, 300, 304, 305, 306, 309, 400, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        cr_expect_eq(decide(statuses[i], METHOD_GET).action, REDIRECT_DELIVER, "%d",
                     statuses[i]);
}

Test(redirect, delivers_the_3xx_itself_when_none_may_be_followed)
{
    struct redirect_reply reply = {.status = 302, .locations = 2, .allowed = 0};
    cr_assert_eq(redirect_decide(&reply).action, REDIRECT_DELIVER);
}

/* S9: none and two Locations. */
Test(redirect, fails_without_exactly_one_location)
{
    struct redirect_reply reply = {.status = 302, .locations = 0, .allowed = 1};
    cr_assert_eq(redirect_decide(&reply).code, CALL_BAD_REPLY);
    reply.locations = 2;
    cr_assert_eq(redirect_decide(&reply).action, REDIRECT_FAIL);
    cr_assert_eq(redirect_decide(&reply).code, CALL_BAD_REPLY);
}

/* S9: a loop ends. */
Test(redirect, stops_at_the_number_allowed)
{
    struct redirect_reply reply = {
        .status = 302, .locations = 1, .followed = 1, .allowed = 2};
    cr_assert_eq(redirect_decide(&reply).action, REDIRECT_FOLLOW);
    reply.followed = 2;
    cr_assert_eq(redirect_decide(&reply).action, REDIRECT_FAIL);
    cr_assert_eq(redirect_decide(&reply).code, CALL_REDIRECT_LIMIT);
}

Test(redirect, compares_origins_by_scheme_host_and_port)
{
    struct target a = {.scheme = "https", .host = "a.example", .port = 443};
    struct target b = a;
    cr_assert(redirect_is_same_origin(&a, &b));
    b.port = 8443;
    cr_assert_not(redirect_is_same_origin(&a, &b));
    b = a;
    b.host[0] = 'b';
    cr_assert_not(redirect_is_same_origin(&a, &b));
    b = (struct target){.scheme = "http", .host = "a.example", .port = 443};
    cr_assert_not(redirect_is_same_origin(&a, &b));
}

static bool keeps(const char *name, bool is_same_origin, bool drops_body)
{
    return redirect_keeps_header(slice_from(name), is_same_origin, drops_body);
}

/* S9: no secret crosses origins. */
Test(redirect, leaves_everything_that_could_be_secret_behind)
{
    static const char *const secrets[] = {"authorization", "Cookie",
                                          "X-Api-Key",     "Proxy-Authorization",
                                          "x-anything",    "Referer"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        cr_expect_not(keeps(secrets[i], false, false), "%s", secrets[i]);
        cr_expect(keeps(secrets[i], true, false), "%s", secrets[i]);
    }
    cr_assert(keeps("Accept", false, false));
    cr_assert(keeps("accept-language", false, true));
    cr_assert(keeps("user-agent", false, true));
}

Test(redirect, drops_what_describes_a_body_together_with_it)
{
    cr_assert(keeps("Content-Type", false, false));
    cr_assert_not(keeps("Content-Type", true, true));
    cr_assert_not(keeps("content-encoding", false, true));
}
