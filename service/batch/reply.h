/* SPDX-License-Identifier: Apache-2.0 */
/* The fragments of a batch → the bytes of its reply, in a few pieces. */
#pragma once

#include "base/attributes.h"
#include "batch/batch.h"
#include "batch/gather.h"

#include <stddef.h>

/* reply_order puts the fragments of a segment, which all its items have, into their order
 * in its block. Does nothing when a large one among them has memory of its own, or when
 * there is no memory. */
void reply_order(struct batch *batch, struct segment *segment);

/* reply_join fills `pieces` in order and returns how many, 0 when there is no memory.
 * Ordered segments and large fragments become pieces as they are, everything between is
 * copied together; a reply of up to 256 KiB is one piece. All items must have a fragment;
 * it is used up. */
size_t reply_join(struct batch *batch, const struct gather_summary *summary,
                  struct gather_piece pieces[GATHER_PIECES_MAX]) MUST_CHECK;
