/* SPDX-License-Identifier: Apache-2.0 */
/* An item with forEach: sent once for each element of an array in another item's reply,
 * as children that are items like any other, but none of the batch. They start in order,
 * within the batch's concurrency; when the last is done the parent's response is made,
 * with theirs in it. One worker thread; for gather*.c and item_run.c only. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "batch/batch.h"

#include <stdbool.h>

struct children;

bool for_each_is_asked(const struct item *item);

/* for_each_open makes the children of an item that waits for nothing any more and puts
 * them on gather->ready; without elements the item is done. False: it cannot, and
 * `message` says why. */
bool for_each_open(struct gather *gather, struct item *parent,
                   struct buffer *message) MUST_CHECK;

/* for_each_child_done renders a child and counts it; after the last one the parent is
 * done. Called by gather_finish_item. */
void for_each_child_done(struct gather *gather, struct item *child,
                         const struct outcome *outcome, double start_ms);

/* for_each_members: what the parent's response has besides (render_wish.members). */
struct slice for_each_members(const struct item *parent);

/* for_each_next_left: the first child behind `child` (NULL: of all) that is not done;
 * NULL: there is none. */
struct item *for_each_next_left(const struct item *parent, const struct item *child);

/* for_each_cancel cancels the children that run, without finishing them.
 * for_each_free releases them; no children: fine. */
void for_each_cancel(struct gather *gather, struct item *parent);
void for_each_free(struct gather *gather, struct item *parent);
