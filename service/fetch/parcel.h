/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of one flow on their way to another worker: their copies and, later, the outcomes
 * of these (guests), in one piece of memory. Every guest is held twice, by its home and
 * by its host; what is in a mail is held by that mail:
 *
 *     home's hold:  made ─► call comes back, or revoked ─► mail ─► host has read it
 *     host's hold:  made ─► mail (parcel) ─► ended ─► mail (returned) ─► home has read it
 *                                        └─► revoked: taken out
 *
 * The last one to let go frees it. What both threads may touch at a time is atomic: a
 * guest's state, its phase and the time of its dispatch, and the flow's is_over. For
 * handover*.c. */
#pragma once

#include "base/attributes.h"
#include "base/list.h"
#include "fetch/budget.h"
#include "fetch/call.h"
#include "fetch/call_result.h"
#include "fetch/flow.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARCEL_REQUEST_ID_SIZE = 136 };

struct handover;
struct parcel;

/* A call is started by one worker: by its host, once this is GUEST_STARTED, or at home
 * again, if at all, once it is GUEST_RECALLED. */
enum guest_state { GUEST_OFFERED, GUEST_STARTED, GUEST_RECALLED };

struct guest {
    struct call call; /* the host's; home reads its phase and started_us */
    struct parcel *parcel;
    _Atomic enum guest_state state;
    struct call *home_call; /* of the home's thread; NULL: it knows the guest no more */
    struct call_result *result;
    struct list host_node;
    struct list return_node;
    struct list revoke_node;
};

struct parcel {
    struct flow flow; /* the host's; home sets is_over */
    struct list node; /* in the mail */
    struct handover *home;
    struct handover *host;
    struct budget *budget; /* … charged for it */
    size_t size;
    atomic_size_t holds;
    char request_id[PARCEL_REQUEST_ID_SIZE];

    /* Of the home's thread. */
    const struct flow *home_flow;
    struct list home_node; /* while any of home_left */
    struct list fresh_node;
    size_t home_left; /* guests with a home_call */
    uint64_t sent_ms;

    size_t count;
    struct guest guests[];
};

/* parcel_size: of `count` calls of `flow` whose texts take `text_size` (the sum of
 * call_copy_size). parcel_new charges it to `budget`; NULL: there is no room, or no
 * memory. */
size_t parcel_size(const struct flow *flow, size_t count, size_t text_size);
struct parcel *parcel_new(const struct flow *flow, size_t count, size_t size,
                          struct budget *budget) MUST_CHECK;

/* parcel_pack makes the guest of `call`, which knows it by `away`; returns where the
 * texts of the next one go, the first one's being parcel_room. */
void *parcel_room(struct parcel *parcel);
void *parcel_pack(struct parcel *parcel, size_t index, struct call *call, void *room);

static inline struct guest *guest_of(struct call *copy)
{
    return container_of(copy, struct guest, call);
}

/* guest_start: false: home has recalled it. guest_recall: false: its host has started it.
 * Any thread. */
bool guest_start(struct guest *guest);
bool guest_recall(struct guest *guest);

/* guest_let_go gives `holds` of it back: do not touch it thereafter. Any thread. */
void guest_let_go(struct guest *guest, size_t holds);
/* guest_drop_result, by whoever has the guest's outcome, which is counted in `budget`. */
void guest_drop_result(struct guest *guest, struct budget *budget);
