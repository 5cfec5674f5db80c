/* SPDX-License-Identifier: Apache-2.0 */
/* Origins that were caught sending what nobody had asked for. HTTP/1.1 pairs replies with
 * requests by their order alone, so one reply too many on a kept connection shifts every
 * later one: the next caller gets what was meant for the one before. libcurl (8.0 and
 * later) drops a connection whose next reply lies there already when it is to be used
 * again. What comes later, while the next request is on its way, no client can tell from
 * its reply. So an origin caught once is trusted with one request per connection for a
 * while: its taint; and a reply that comes then on a connection used before is not
 * believed: asked again on a new one if that does no harm, else `maybe_sent`. Pure, but
 * for being shared by all workers.
 *
 * What counts as caught:
 *   - bytes on a connection that is idle: the event costs nothing;
 *   - more bytes behind a reply that was to keep its connection, as a body after HEAD;
 *   - no HTTP where a reply should begin, on a connection used before;
 *   - a reply whose length can be read in two ways.
 *
 * What remains: until it is caught for the first time, an upstream can mix up requests
 * that were sent to it (to its own scheme, host and port, never to others), also of
 * different callers. It could give any caller any answer anyway; what it gains is to hand
 * to one what it made for another. Over HTTP/2 (fetch.http2) it gains nothing: there
 * replies are numbered. */
#pragma once

#include "fetch/guard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TAINT_FIRST_MS = 60 * 1000, /* the first time; twice as long each further time */
    TAINT_LONGEST_MS = 3600 * 1000,
    TAINT_FORGIVEN_MS = 3600 * 1000, /* after the end of a taint it counts no more */
    TAINT_LOOK_BYTES = 16,           /* what taint_is_offence wants to see */
};

struct taints;

/* taints_new: a table of fixed size, 8 KiB; when it is full the taint goes that ends
 * first. */
struct taints *taints_new(void);
void taints_free(struct taints *taints); /* NULL is fine */

/* taints_key names an origin; never 0. */
uint64_t taints_key(const struct taints *taints, const struct target *target);

/* taints_note: `key` was caught at `now_ms`. False when it is tainted already: a burst on
 * several connections counts once. Any thread. */
bool taints_note(struct taints *taints, uint64_t key, uint64_t now_ms);
bool taints_has(const struct taints *taints, uint64_t key, uint64_t now_ms);

/* taint_is_offence: `bytes`, the first of what came on an idle connection (at most
 * TAINT_LOOK_BYTES are looked at), are none of what may come there: a TLS alert or new
 * keys, or the 408 that some servers send when they tire of an idle connection (RFC
 * 9110 15.5.9). */
bool taint_is_offence(const unsigned char *bytes, size_t len, bool is_tls);
