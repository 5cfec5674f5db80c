/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a terminal: other people's bytes made harmless, and columns counted. Pure.
 *
 * A terminal obeys control characters, and URLs, ids and host names come from elsewhere:
 * everything that is not the program's own goes through terminal_text_append. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"

/* terminal_text_append appends as much of `text` as fits into `columns` and returns how
 * many columns that took; what is cut off shows as "…" in the last one. Control
 * characters (C0, DEL, C1), bytes that are no UTF-8, and what has no width or turns the
 * direction of writing become "?", one column each. */
int terminal_text_append(struct buffer *out, struct slice text, int columns);

/* terminal_text_pad does the same and fills up to exactly `columns` with spaces, behind
 * the text, or before it where `is_right`. */
void terminal_text_pad(struct buffer *out, struct slice text, int columns, bool is_right);

/* terminal_text_columns: how many columns terminal_text_append would take with room for
 * everything. */
int terminal_text_columns(struct slice text);

/* terminal_text_bar appends `columns` columns of which `share` (0–1) are filled, to an
 * eighth of a column (U+2588–U+258F), the rest spaces. */
void terminal_text_bar(struct buffer *out, double share, int columns);
