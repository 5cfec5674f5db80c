/* SPDX-License-Identifier: Apache-2.0 */
/* A text with parts replaced by short stand-ins, and the way back from a place in it to
 * the place in the original. Copies nothing until the first part is replaced. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct shortened_cut {
    size_t at;      /* in the shortened text: behind the stand-in */
    size_t removed; /* bytes missing from there on, all cuts so far together */
};

struct shortened {
    struct slice text; /* the original, which must outlive this */
    struct buffer shorter;
    size_t copied; /* of the original */
    struct shortened_cut *cuts;
    size_t count;
    size_t capacity;
};

void shortened_init(struct shortened *shortened, struct slice text);
void shortened_done(struct shortened *shortened);

/* shortened_replace puts `stand_in`, which is not longer, in the place of `part`, a part
 * of the original behind all parts replaced so far. False: no memory. */
bool shortened_replace(struct shortened *shortened, struct slice part,
                       const char *stand_in) MUST_CHECK;

/* shortened_finish copies the rest; ret_text is the original itself if nothing was
 * replaced. False: no memory. */
bool shortened_finish(struct shortened *shortened, struct slice *ret_text) MUST_CHECK;

/* shortened_original is the offset in the original of what stands at `offset`. */
size_t shortened_original(const struct shortened *shortened, size_t offset);
