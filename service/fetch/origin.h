/* SPDX-License-Identifier: Apache-2.0 */
/* Origins (scheme, host, port): the table of them, what is known about each, and the
 * calls that wait for one of its slots; schedule.h says whose turn it is. Knows no curl
 * and starts nothing; fetcher_dispatch.c does. */
#pragma once

#include "base/attributes.h"
#include "base/list.h"
#include "fetch/call.h"
#include "fetch/guard.h"
#include "fetch/schedule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORIGIN_REMOTE_SIZE = 64, ORIGIN_ALIAS_SIZE = 96 };

/* How the calls went that had one of its slots, since the origin is known. */
struct origin_tally {
    uint64_t ended;     /* by themselves; a redirect or a retry is a call of its own */
    uint64_t failed;    /* of these: an error, or a reply of 500 and above */
    uint64_t cancelled; /* given up before they ended; not in `ended` */
    uint64_t us;        /* that the ended ones took, all together */
    uint64_t last_ms;   /* when the last one ended, loop clock; 0: none has */
};

struct origin {
    struct target target;
    size_t number;                /* counts up: its home among the lanes */
    uint64_t taint_key;           /* of taint.h; 0: not asked yet */
    uint64_t circuit;             /* of circuits.h; 0: likewise */
    char pin[ORIGIN_REMOTE_SIZE]; /* "::ADDR:PORT" for a literal address, else "" */
    struct origin_tally tally;    /* of flight.c */

    /* Of origin.c. */
    char alias[ORIGIN_ALIAS_SIZE]; /* how a vetted URL spelled it: "http://host:80" */
    size_t alias_len;
    struct gate gate;     /* its slots */
    struct list node;     /* among the idle */
    enum verdict verdict; /* of the common guard */
    const char *reason;
    struct origin *next; /* in its bucket */
    uint64_t hash;
};

struct origins;

/* `slots`: how many calls of one origin may run at once. `guard`: that of most callers,
 * whose verdicts are kept. */
struct origins *origins_new(const struct guard *guard, unsigned slots);
/* origins_free expects no call to be waiting or running. */
void origins_free(struct origins *origins);

/* origins_get finds or makes the origin of `target`. One that neither runs nor waits for
 * anything stays for a while and may be gone after the next origins_get. */
struct origin *origins_get(struct origins *origins, const struct target *target);

/* origins_recall finds the origin of a URL that begins exactly, byte for byte, like one
 * that was vetted before and led there, up to the end of its authority, and holds nothing
 * but printable ASCII without backslash: parsing it again could not give anything else,
 * and costs a tenth of a fetch. NULL: parse it. */
struct origin *origins_recall(struct origins *origins, struct slice url);
/* origins_remember: `url` was parsed, and `origin` is its origin. */
void origins_remember(struct origins *origins, struct origin *origin, struct slice url);

/* origins_judge is guard_judge_target of the origin's target, remembered if `guard` is
 * the common one. */
enum verdict origins_judge(const struct origins *origins, const struct origin *origin,
                           const struct guard *guard, const char **ret_reason);

/* origins_adopt: from now on `guard` is the common one, and these are the slots. */
void origins_adopt(struct origins *origins, const struct guard *guard, unsigned slots);

/* origins_wait lets `call` wait for its turn at `origin`; origins_wait_first puts it
 * before those of its flow that wait there. */
void origins_wait(struct origins *origins, struct origin *origin, struct call *call,
                  uint64_t now_us);
void origins_wait_first(struct origins *origins, struct origin *origin, struct call *call,
                        uint64_t now_us);
/* origins_leave takes a waiting call out. */
void origins_leave(struct origins *origins, struct call *call, uint64_t now_us);

/* origins_next hands out the next call and takes a slot for it, and a place among its
 * caller's calls in flight. origins_release gives both back. origins_drain takes out any
 * waiting call, slots or not; NULL: none is left. */
struct call *origins_next(struct origins *origins, uint64_t now_us);
void origins_release(struct origins *origins, struct origin *origin,
                     struct caller *caller, uint64_t now_us);
struct call *origins_drain(struct origins *origins);

/* origins_schedule: to ask it what waits. */
struct schedule *origins_schedule(struct origins *origins);

size_t origins_count(const struct origins *origins);

/* origins_walk calls `visit` for the origins of the next `buckets` buckets; `*cursor` is
 * 0 at the beginning, and again when it returns false: that was all. The table may change
 * between two calls: what is there from the first to the last is visited once. */
typedef void origins_visit_fn(void *context, struct origin *origin);
bool origins_walk(struct origins *origins, size_t *cursor, size_t buckets,
                  origins_visit_fn *visit, void *context) MUST_CHECK;
