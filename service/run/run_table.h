/* SPDX-License-Identifier: Apache-2.0 */
/* Results as lines for a person: id, status, time, size, URL, and what went wrong. Pure.
 */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "fetch/call_code.h"

#include <stdbool.h>
#include <stdint.h>

struct run_row {
    struct slice id;
    struct slice url;
    enum call_code code;
    int status; /* the upstream's; 0: none */
    double total_ms;
    uint64_t bytes;
    struct slice message; /* of a failure */
};

/* columns: of the terminal; 0: no limit, nothing is cut. */
void run_table_head(struct buffer *out, int columns, bool has_colours);
void run_table_row(struct buffer *out, const struct run_row *row, int columns,
                   bool has_colours);
