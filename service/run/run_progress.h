/* SPDX-License-Identifier: Apache-2.0 */
/* The progress bar of a run, one line: how far, how fast, what came of it, how long
 * still. Pure: figures and a width in, text out. */
#pragma once

#include "base/buffer.h"
#include "fetch/call_code.h"

#include <stdbool.h>
#include <stdint.h>

struct run_figures {
    uint64_t done;
    uint64_t ok;
    uint64_t in_flight;
    uint64_t total;    /* 0: nobody knows */
    bool is_estimated; /* the total: from how much of the file was read */
    bool is_waiting;   /* for whoever reads the results */
    bool is_ending;
    double elapsed_ms;
};

/* Items a second, of the last seconds. The zero value knows of none. */
struct run_pace {
    double at_ms;
    uint64_t done;
    double per_second;
    bool is_set;
};

/* run_pace_note: so many were done `elapsed_ms` after the start. */
void run_pace_note(struct run_pace *pace, uint64_t done, double elapsed_ms);

/* run_progress_estimate: the total of a list of `size` bytes, of which the first `taken`
 * bytes held `started` items; 0: nobody knows. */
uint64_t run_progress_estimate(uint64_t started, uint64_t taken, uint64_t size);

/* run_progress_draw appends the line, `columns` wide at most; of what has no room the
 * least important is left out. */
void run_progress_draw(struct buffer *out, const struct run_figures *figures,
                       double per_second, int columns, bool has_colours);

/* run_progress_summary appends the last line, with a newline: what came of it all.
 * `codes` counts the items by code. */
void run_progress_summary(struct buffer *out, const struct run_figures *figures,
                          const uint64_t codes[CALL_CODE_COUNT], bool has_colours);
