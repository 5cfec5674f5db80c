/* SPDX-License-Identifier: Apache-2.0 */
/* Redirect policy after RFC 9110 15.4. libcurl could follow by itself, but would carry
 * custom credentials to the other host and never ask the egress policy about it. Called
 * by flight_redirect.c; knows no URL syntax (url.h joins and parses). */
#include "fetch/redirect.h"

#include <string.h>

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

static struct redirect_decision fail(enum call_code code, const char *message)
{
    return (struct redirect_decision){
        .action = REDIRECT_FAIL, .code = code, .message = message};
}

/* 303 asks for a GET (HEAD stays); 301 and 302 turn POST, and only it, into GET, as all
 * user agents do; 307 and 308 keep everything. */
static enum call_method next_method(int status, enum call_method method)
{
    if (status == 303)
        return method == METHOD_HEAD ? METHOD_HEAD : METHOD_GET;
    if ((status == 301 || status == 302) && method == METHOD_POST)
        return METHOD_GET;
    return method;
}

struct redirect_decision redirect_decide(const struct redirect_reply *reply)
{
    if (!is_redirect(reply->status) || reply->allowed == 0)
        return (struct redirect_decision){.action = REDIRECT_DELIVER};
    if (reply->locations == 0)
        return fail(CALL_BAD_REPLY, "the redirect has no Location");
    if (reply->locations > 1)
        return fail(CALL_BAD_REPLY, "the redirect has more than one Location");
    if (reply->followed >= reply->allowed)
        return fail(CALL_REDIRECT_LIMIT, "more redirects than the item allows");
    enum call_method method = next_method(reply->status, reply->method);
    return (struct redirect_decision){
        .action = REDIRECT_FOLLOW,
        .method = method,
        .drops_body = reply->status == 303 || method != reply->method,
    };
}

bool redirect_is_same_origin(const struct target *from, const struct target *to)
{
    return from->port == to->port && strcmp(from->scheme, to->scheme) == 0 &&
           strcmp(from->host, to->host) == 0;
}

bool redirect_keeps_header(struct slice name, bool is_same_origin, bool drops_body)
{
    static const char *const harmless[] = {"accept", "accept-language", "user-agent"};
    static const char *const of_body[] = {"content-type", "content-encoding",
                                          "content-language"};
    for (size_t i = 0; i < sizeof of_body / sizeof *of_body; i++) {
        if (slice_is_ignoring_case(name, of_body[i]))
            return !drops_body;
    }
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        if (slice_is_ignoring_case(name, harmless[i]))
            return true;
    }
    return is_same_origin;
}
