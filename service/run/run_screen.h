/* SPDX-License-Identifier: Apache-2.0 */
/* What a person sees of a run on standard error: the bar while it runs, the waterfall,
 * the summary and hints at the end. */
#pragma once

#include "batch/batch.h"
#include "run/run_progress.h"
#include "run/run_waterfall.h"

#include <stdbool.h>
#include <stddef.h>

struct run_ended;
struct run_output;

struct run_screen {
    struct run_output *output; /* its writer draws where both are one terminal */
    bool is_shared;
    bool is_drawn; /* there is a bar on the line */
    bool has_colours;
    struct run_pace pace;
    struct run_bar *bars; /* of the waterfall; NULL: none is wished for */
    size_t bar_count;
    size_t left_out;
};

void run_screen_open(struct run_screen *screen, struct run_output *output,
                     bool shows_waterfall);
void run_screen_close(struct run_screen *screen);

/* run_screen_note keeps an item for the waterfall. */
void run_screen_note(struct run_screen *screen, const struct run_ended *ended);

/* run_screen_draw draws the bar anew. run_screen_clear takes it away: before other text,
 * and at the end. */
void run_screen_draw(struct run_screen *screen, const struct run_figures *figures);
void run_screen_clear(struct run_screen *screen);

/* run_screen_waterfall draws it; all that was given to the output must be written. */
void run_screen_waterfall(struct run_screen *screen);
