/* SPDX-License-Identifier: Apache-2.0 */
/* What to do with a 3xx reply. Pure: a reply's head and the request it answers in, a
 * decision out. The next hop is a new attempt of the same call: vetted like the first. */
#pragma once

#include "base/slice.h"
#include "fetch/call.h"
#include "fetch/guard.h"

#include <stdbool.h>
#include <stddef.h>

enum redirect_action {
    REDIRECT_DELIVER, /* not a redirect, or none wanted: the reply is the outcome */
    REDIRECT_FOLLOW,
    REDIRECT_FAIL,
};

struct redirect_reply {
    int status;
    unsigned locations;
    enum call_method method; /* of the request just answered */
    unsigned followed;       /* hops so far */
    unsigned allowed;        /* what the item asked for */
};

struct redirect_decision {
    enum redirect_action action;
    enum call_method method; /* REDIRECT_FOLLOW */
    bool drops_body;         /* REDIRECT_FOLLOW */
    enum call_code code;     /* REDIRECT_FAIL */
    const char *message;     /* REDIRECT_FAIL: constant */
};

struct redirect_decision redirect_decide(const struct redirect_reply *reply);

/* redirect_is_same_origin: scheme, host and port (RFC 6454 4). */
bool redirect_is_same_origin(const struct target *from, const struct target *to);

/* redirect_keeps_header: may a caller's header travel on? Within an origin all do (but
 * content-* when the body was dropped). To another origin only those that say what kind
 * of reply is wanted or what the body is: everything else could be a secret, whatever its
 * name, as X-Api-Key shows. */
bool redirect_keeps_header(struct slice name, bool is_same_origin, bool drops_body);
