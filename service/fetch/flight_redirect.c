/* SPDX-License-Identifier: Apache-2.0 */
/* The next hop of a call: the Location joined, parsed, vetted like the first URL,
 * stripped of what must not travel, and queued at its origin. The clocks of the call run
 * on; only the connect clock begins anew with each hop. */
#include "fetch/fetcher_state.h"
#include "fetch/flight.h"
#include "fetch/redirect.h"
#include "fetch/url.h"

#include "base/memory.h"

#include <stdlib.h>

/* The headers that may go on; those of the call stay untouched. */
static bool filter_headers(struct flight *flight, bool is_same_origin, bool drops_body)
{
    const struct call *call = flight->call;
    const struct call_header *from = flight->headers ? flight->headers : call->headers;
    size_t count = flight->headers ? flight->header_count : call->header_count;
    struct call_header *kept = memory_try_array(count + 1, sizeof *kept);
    if (!kept)
        return false;
    size_t kept_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (redirect_keeps_header(from[i].name, is_same_origin, drops_body))
            kept[kept_count++] = from[i];
    }
    free(flight->headers);
    flight->headers = kept;
    flight->header_count = kept_count;
    return true;
}

static bool fail(struct flight *flight, enum call_code code, const char *message)
{
    flight_end(flight, code, message);
    return true;
}

/* Acts on a verdict about the next hop; false: the flight has ended. */
static bool may_go(struct flight *flight, enum verdict verdict,
                   const struct target *target, const char *reason)
{
    if (verdict != VERDICT_ALLOW) {
        fail(flight,
             verdict == VERDICT_BLOCK_URL ? CALL_BLOCKED_URL : CALL_BLOCKED_ADDRESS,
             reason);
        return false;
    }
    egress_note_passed(flight->fetcher, flight->call, target, reason);
    return true;
}

/* Parses and vets the URL in flight->url; NULL when the flight has ended. */
static struct origin *vet(struct flight *flight, const struct target *from)
{
    const struct guard *guard = flight->call->flow->terms->guard;
    const char *reason = NULL;
    struct target target;
    if (!url_parse(slice_from(flight->url), &target, &reason)) {
        fail(flight, CALL_BAD_REPLY, "the redirect's Location is not an acceptable URL");
        return NULL;
    }
    struct origin *origin = origins_get(flight->fetcher->origins, &target);
    enum verdict verdict = guard_judge_redirect(guard, from, &target, &reason);
    if (!may_go(flight, verdict, &target, reason))
        return NULL;
    verdict = origins_judge(flight->fetcher->origins, origin, guard, &reason);
    return may_go(flight, verdict, &target, reason) ? origin : NULL;
}

static char *next_url(const struct flight *flight)
{
    const char *base = flight->url ? flight->url : flight->call->url.data;
    struct slice location = reply_head_find(&flight->transfer->head, FIELD_LOCATION);
    char *text = memory_try_array(location.len + 1, 1);
    if (!text)
        return NULL;
    memcpy(text, location.data, location.len);
    char *joined = url_join(base, text);
    free(text);
    return joined;
}

static bool hop(struct flight *flight, const struct redirect_decision *decision)
{
    const struct target from = flight->call->origin->target;
    char *url = next_url(flight);
    if (!url)
        return fail(flight, CALL_BAD_REPLY, "the redirect's Location is not a URL");
    if (flight_is_recorded(flight))
        flight_span_close(flight, CALL_OK, NULL); /* the next one has a span of its own */
    free(flight->url);
    flight->url = url;
    struct origin *origin = vet(flight, &from);
    if (!origin || !fetcher_circuit_admits(flight->fetcher, flight->call, origin))
        return true;
    bool is_same = redirect_is_same_origin(&from, &origin->target);
    flight->drops_body = flight->drops_body || decision->drops_body;
    if (!filter_headers(flight, is_same, decision->drops_body))
        return fail(flight, CALL_TOO_LARGE, "no memory for the redirect");
    flight->method = decision->method;
    flight->hops++;
    /* A hop is a request like any other; too late to be refused, it is charged. */
    rate_charge(&flight->call->flow->caller->items, flight->fetcher->setup.loop->now_us,
                1);
    flight->is_redialled = false;
    flight_give_transfer(flight);
    call_set_phase(flight->call, PHASE_QUEUED);
    origins_wait_first(flight->fetcher->origins, origin, flight->call,
                       flight->fetcher->setup.loop->now_us);
    flight_release(flight);
    return true;
}

/* True when the reply was not the outcome: the call goes on, or has ended by itself. */
bool flight_follow(struct flight *flight)
{
    const struct reply_head *head = &flight->transfer->head;
    struct redirect_reply reply = {
        .status = head->status,
        .locations = head->locations,
        .method = flight->method,
        .followed = flight->hops,
        .allowed = flight->call->redirects,
    };
    struct redirect_decision decision = redirect_decide(&reply);
    switch (decision.action) {
    case REDIRECT_DELIVER:
        return false;
    case REDIRECT_FAIL:
        return fail(flight, decision.code, decision.message);
    case REDIRECT_FOLLOW:
        break;
    }
    return hop(flight, &decision);
}
