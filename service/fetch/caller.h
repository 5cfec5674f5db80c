/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends batches: everybody, or the owner of an API key, and what is counted of each.
 * Two keys of one name (one being replaced by the other) are one caller. What a caller
 * may is written in its terms (snapshot.h), which change with the configuration; the
 * caller itself stays, so its rate, its places and its circuits go on over a reload. */
#pragma once

#include "base/attributes.h"
#include "base/error.h"
#include "base/rate.h"
#include "fetch/budget.h"

#include <stdatomic.h>
#include <stddef.h>

struct caller {
    const char *name; /* the key's; "" for everybody */

    /* Shared by all workers. */
    struct rate items;       /* items of its batches: taken by the front, once a batch;
                                and each redirect followed */
    struct budget in_flight; /* one place a dispatched item: taken when it is dispatched,
                                given back with its place in budgets.in_flight; items it
                                has no place for wait. UINT64_MAX: no limit */
    const struct budget *_Atomic whole; /* budgets.in_flight, to be shared with other
                                           callers; NULL: there are none */
};

/* caller_take_place takes a place in `in_flight`, after one of the process. False: it has
 * reached its limit or, as one of several callers, its share of the process's places:
 * eight for each that is free, and eight. So one caller alone gets eight ninths of all,
 * and whatever it asks for there are places left for the next. (Choudhury and Hahne 1998,
 * dynamic thresholds.) caller_has_places: it is worth asking so many times.
 * caller_give_place takes one back. Any thread. */
bool caller_take_place(struct caller *caller);
bool caller_has_places(const struct caller *caller, uint64_t count);
void caller_give_place(struct caller *caller);

/* Every caller there was since the start of the process, by name. main's thread. */
struct callers;

enum { CALLERS_MAX = 100000 }; /* 1000 keys at a time, renamed a hundred times */

struct callers *callers_new(void);
void callers_free(struct callers *callers); /* nobody holds a caller any more */

/* callers_get finds or makes the caller `name`, which lives as long as `callers`. NULL:
 * there are CALLERS_MAX. */
struct caller *callers_get(struct callers *callers, const char *name);
