/* SPDX-License-Identifier: Apache-2.0 */
/* Items of a gather that wait for others: what they wait for, the values they need, and
 * what becomes of them when those do not come. Values are copied out of a reply when its
 * item ends, only those that somebody wants, counted in budgets->reply_bytes, and let go
 * with the last item that wants them. One worker thread; for gather*.c and item_run.c
 * only. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "batch/batch.h"

#include <stdbool.h>

struct item_links;

/* item_links_new: those of an item whose options have references; before the batch runs.
 * item_links_free: NULL is fine. */
struct item_links *item_links_new(struct item *item);
void item_links_free(struct gather *gather, struct item_links *links);

/* item_links_note: the item is done, its code set. Keeps what others want of it, puts
 * those that may start now on gather->ready, and those that cannot any more on
 * gather->doomed. */
void item_links_note(struct gather *gather, struct item *item,
                     const struct outcome *outcome);

/* item_links_explain: why an item of gather->doomed cannot start. */
void item_links_explain(const struct item *item, struct buffer *message);

/* item_links_expand puts values into the call of an item that waits for nothing any more;
 * a no-op when it was done. False: it cannot be sent, and `message` says why. */
bool item_links_expand(struct gather *gather, struct item *item,
                       struct buffer *message) MUST_CHECK;
