/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing calls, byte by byte: no header is left out and no spelling made equal, for
 * nobody knows which of them an upstream looks at. Called by coalesce.c. */
#include "fetch/call_equal.h"

#include "fetch/flow.h"

bool call_may_coalesce(const struct call *call)
{
    return (call->method == METHOD_GET || call->method == METHOD_HEAD) && !call->has_body;
}

static bool has_equal_headers(const struct call *a, const struct call *b)
{
    if (a->header_count != b->header_count)
        return false;
    for (size_t i = 0; i < a->header_count; i++) {
        if (!slice_equal(a->headers[i].name, b->headers[i].name) ||
            !slice_equal(a->headers[i].value, b->headers[i].value))
            return false;
    }
    return true;
}

bool call_is_equal(const struct call *a, const struct call *b)
{
    return a->flow->caller == b->flow->caller && a->flow->terms == b->flow->terms &&
           a->method == b->method && a->redirects == b->redirects &&
           a->body_max_bytes == b->body_max_bytes &&
           a->connect_timeout_ms == b->connect_timeout_ms &&
           slice_equal(a->url, b->url) && has_equal_headers(a, b);
}

/* FNV-1a; a byte no text holds in between, so that no two lists of texts look alike. */
static uint64_t add(uint64_t hash, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3;
    return (hash ^ 0x1ff) * 0x100000001b3;
}

uint64_t call_hash(const struct call *call, uint64_t start)
{
    uint64_t hash = start ^ (uint64_t)(uintptr_t)call->flow->caller ^ call->method;
    hash = add(hash, call->url);
    for (size_t i = 0; i < call->header_count; i++) {
        hash = add(hash, call->headers[i].name);
        hash = add(hash, call->headers[i].value);
    }
    return hash ^ (hash >> 29);
}
