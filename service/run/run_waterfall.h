/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of a few items as bars beside one another, on one scale. Pure. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "fetch/call.h"

#include <stdbool.h>
#include <stddef.h>

enum { RUN_WATERFALL_MAX = 200 }; /* more are not kept */

struct run_bar {
    struct slice label;
    enum call_code code;
    int status; /* the upstream's; 0: none */
    double start_ms;
    struct call_timing timing;
};

/* run_waterfall_draw appends a scale, a line for each bar and the key; `left_out`: so
 * many more there were. */
void run_waterfall_draw(struct buffer *out, const struct run_bar *bars, size_t count,
                        size_t left_out, int columns, bool has_colours);
