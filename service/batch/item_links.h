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
#include "batch/template.h"

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

/* item_links_release: the item is done and its call over: what was made for it by
 * item_links_expand is let go. */
void item_links_release(struct gather *gather, struct item *item);

/* item_links_value: what the item's reference of that number gave, NULL and *ret_fault:
 * nothing. For items that wait for nothing any more. */
const struct template_value *item_links_value(struct gather *gather,
                                              const struct item *item, int number,
                                              const char **ret_fault) MUST_CHECK;

/* item_links_new_child: those of a child, with its element, which outlives them, and its
 * place. It waits for nothing and nobody waits for it. */
struct item_links *item_links_new_child(const struct item *child, struct slice element,
                                        size_t index);
