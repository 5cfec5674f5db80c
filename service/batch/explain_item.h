/* SPDX-License-Identifier: Apache-2.0 */
/* One item of an explanation; for explain.c only. */
#pragma once

#include "batch/explain.h"

/* explain_item appends the item's object; its call is planned. `line` is room for command
 * lines, kept from item to item. `depends` was written by explain.c: members about other
 * items, each with a comma before it; may be empty. */
void explain_item(struct buffer *out, struct buffer *line,
                  const struct explain_setup *setup, const struct item *item,
                  struct slice depends);
