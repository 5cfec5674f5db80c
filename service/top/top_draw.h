/* SPDX-License-Identifier: Apache-2.0 */
/* The screen of `gatherd top` as text. Pure. */
#pragma once

#include "base/buffer.h"
#include "top/live_change.h"
#include "top/live_view.h"
#include "top/top_order.h"

#include <stdbool.h>
#include <stddef.h>

struct top_look {
    int columns;
    int rows; /* lines at most; 0: as many as it takes, and no line about keys */
    bool has_colours;
    enum top_sort sort;
    bool is_reversed;
    size_t skip;         /* origins above the first one shown */
    const char *address; /* what is looked at */
    const char *trouble; /* why there is no news; NULL: there is */
};

/* top_draw appends lines of at most `columns` columns, each with its newline; in colours
 * there are SGR sequences, else no control character. `view` NULL: nothing has come yet.
 */
void top_draw(struct buffer *out, const struct live_view *view,
              const struct live_change *change, const struct top_look *look);
