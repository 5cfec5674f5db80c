/* SPDX-License-Identifier: Apache-2.0 */
/* What the head of a request decides before a byte of its body is read: whose
 * certificate, which route, which caller, which body. The head was vetted as HTTP before
 * (request_head.c). A refusal is answered here. Called by exchange.c, once a request. */
#include "http/front_state.h"

#include "http/auth.h"
#include "http/front_tls.h"
#include "http/host_list.h"
#include "http/same_site.h"

enum { SMALL_BODY = 64 * 1024 };

static bool check_host(struct exchange *exchange, const struct request_head *head)
{
    const struct front_setup *setup = &exchange->front->setup;
    /* Probes and scrapers go by address, and ops.listen is theirs; but check_guard. */
    if (setup->role == FRONT_OPS ||
        host_list_has(&exchange_config(exchange)->server.hosts, head->host))
        return true;
    /* RFC 9110 7.4 and 15.5.20: a misdirected request. */
    exchange_refuse(exchange, PROBLEM_MISDIRECTED,
                    "the Host header is none of server.hosts");
    return false;
}

static const char *why_not_found(struct routes_place place, enum routes_verdict verdict)
{
    if (place.role == FRONT_OPS)
        return verdict == ROUTES_NOT_HERE
                   ? "on ops.listen batches are taken only where keys are required "
                     "(auth.mode) or it is a loopback address or a unix socket"
                   : "on ops.listen there are /healthz, /readyz, /metrics, /console and "
                     "the paths under /-/";
    if (verdict != ROUTES_NOT_HERE)
        return "no such path; GET / lists the paths there are";
    return place.has_ops ? "this path is on ops.listen"
                         : "this path is on ops.listen, and without one on server.listen "
                           "where that is a loopback address or a unix socket";
}

static bool check_route(struct exchange *exchange, const char *method)
{
    const struct front *front = exchange->front;
    const struct config *config = exchange_config(exchange);
    const struct routes_place place = {
        .role = front->setup.role,
        .has_ops = config->ops.listen.count > 0,
        .is_local = exchange_is_local(exchange),
        .needs_keys = auth_is_required(config),
    };
    char allow[ROUTES_ALLOW_MAX];
    enum routes_verdict verdict =
        routes_find(method, exchange_path(exchange), place, &exchange->route, allow);
    if (verdict == ROUTES_FOUND)
        return true;
    if (verdict == ROUTES_NO_METHOD)
        problem_reply_allow(exchange, allow);
    else
        exchange_refuse(exchange, PROBLEM_NOT_FOUND, why_not_found(place, verdict));
    return false;
}

/* Browsers do not reach a unix socket, and what does names any host for it. */
static bool check_guard(struct exchange *exchange, const struct request_head *head)
{
    const struct route *route = exchange->route;
    struct address_key key;
    if (!routes_is_guarded(route) || !exchange_client_key(exchange, &key))
        return true;
    if (!same_site_host(head->host, &exchange_config(exchange)->server.hosts)) {
        exchange_refuse(exchange, PROBLEM_MISDIRECTED,
                        "call this path by an address, or by a name of server.hosts");
        return false;
    }
    struct slice site = slice_from(""), origin = slice_from("");
    bool is_sound = exchange_headers(exchange, "Sec-Fetch-Site", &site) <= 1 &&
                    exchange_headers(exchange, "Origin", &origin) <= 1;
    if (slice_is(slice_from(route->method), "GET") ||
        (is_sound && same_site_sender(site, origin, head->host)))
        return true;
    exchange_refuse(exchange, PROBLEM_FORBIDDEN, "the request comes from another site");
    return false;
}

/* Whether the client's address sent so many wrong keys that it is answered already. */
static bool hold_back(struct exchange *exchange, const struct address_key *address)
{
    const struct front_setup *setup = &exchange->front->setup;
    uint64_t limit = exchange_config(exchange)->auth.failures_per_minute;
    unsigned wait_s = limit
                          ? auth_failures_wait_s(&exchange->front->auth_failures, address,
                                                 (unsigned)limit, setup->loop->now_ms)
                          : 0;
    if (!wait_s)
        return false;
    metrics_add(setup->metrics, METRIC_AUTH_REFUSED, AUTH_REFUSED_HELD_BACK, 1);
    problem_reply_later(exchange, PROBLEM_RATE_LIMITED,
                        "too many wrong keys from this address "
                        "(auth.failures_per_minute)",
                        wait_s);
    return true;
}

static bool check_caller(struct exchange *exchange, const struct request_head *head)
{
    const struct config *config = exchange_config(exchange);
    exchange->terms = snapshot_everybody(exchange->snapshot);
    if (!exchange->route->needs_key || !auth_is_required(config))
        return true;
    struct address_key address;
    exchange_client_key(exchange, &address);
    if (hold_back(exchange, &address))
        return false;
    const struct front_setup *setup = &exchange->front->setup;
    struct auth_failures *failures = &exchange->front->auth_failures;
    const struct config_key *key =
        auth_find(exchange->front->auth, head->authorization, head->api_key).key;
    if (key) {
        auth_failures_forgive(failures, &address, setup->loop->now_ms);
        exchange->terms =
            snapshot_of_key(exchange->snapshot, (size_t)(key - config->auth.keys.items));
        return true;
    }
    auth_failures_add(failures, &address, setup->loop->now_ms);
    metrics_add(setup->metrics, METRIC_AUTH_REFUSED, AUTH_REFUSED_KEY, 1);
    exchange_refuse(exchange, PROBLEM_UNAUTHORIZED,
                    "send a key as \"Authorization: Bearer KEY\" or \"X-Api-Key: KEY\"");
    return false;
}

static bool check_body(struct exchange *exchange, const struct request_head *head)
{
    bool is_coming = head->is_chunked || head->length > 0;
    if (!exchange->route->has_body) {
        if (is_coming)
            exchange_refuse(exchange, PROBLEM_TOO_LARGE, "this resource takes no body");
        return !is_coming;
    }
    if (!head->is_chunked && !head->has_length) {
        exchange_refuse(exchange, PROBLEM_LENGTH_REQUIRED, "send a Content-Length");
        return false;
    }
    if (!request_head_is_json(head->content_type)) {
        exchange_refuse(exchange, PROBLEM_MEDIA_TYPE,
                        "the Content-Type must be application/json in UTF-8");
        return false;
    }
    if (head->content_encoding.len &&
        !slice_is_ignoring_case(head->content_encoding, "identity")) {
        exchange_refuse(exchange, PROBLEM_MEDIA_TYPE,
                        "send the body without a Content-Encoding");
        return false;
    }
    if (head->length <= exchange->body.max)
        return true;
    exchange_refuse(exchange, PROBLEM_TOO_LARGE, exchange_too_large_detail);
    return false;
}

/* A small body has come already, and its connection is worth keeping; a large one is
 * refused before it comes, which closes the connection. The handler asks again. */
static bool check_load(struct exchange *exchange, const struct request_head *head)
{
    bool is_small = !head->is_chunked && head->length <= SMALL_BODY;
    if (is_small || admission_is_open(exchange->front->setup.admission))
        return true;
    exchange_refuse_batch(exchange, exchange_overload_detail);
    return false;
}

/* A key that was revoked while the head was on its way is revoked. */
static void take_current(struct exchange *exchange)
{
    struct snapshot *current = exchange->front->setup.snapshot;
    if (exchange->snapshot == current)
        return;
    snapshot_release(exchange->snapshot);
    exchange->snapshot = snapshot_hold(current);
}

bool exchange_check(struct exchange *exchange, const struct request_head *head,
                    const char *method)
{
    take_current(exchange);
    if (!front_certificate_is_sound(exchange)) {
        exchange_refuse(exchange, PROBLEM_FORBIDDEN,
                        "a client certificate of the configured CA is needed");
        return false;
    }
    return check_host(exchange, head) && check_route(exchange, method) &&
           check_guard(exchange, head) && check_caller(exchange, head) &&
           check_body(exchange, head) && check_load(exchange, head);
}
