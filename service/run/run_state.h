/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a run, for run*.c only. */
#pragma once

#include "base/background.h"
#include "base/list.h"
#include "base/loop.h"
#include "batch/gather.h"
#include "fetch/fetcher.h"
#include "run/line_reader.h"
#include "run/run.h"
#include "run/run_input.h"
#include "run/run_lane.h"
#include "run/run_output.h"
#include "run/run_screen.h"

#include <pthread.h>

/* Items that have ended, counted. */
struct run_tally {
    uint64_t done;
    uint64_t ok;
    uint64_t required_failed;
    bool first_is_ok; /* of those that were done, the first one */
    uint64_t codes[CALL_CODE_COUNT];
};

enum run_kind { RUN_UNKNOWN, RUN_LIST, RUN_DOCUMENT };

struct run {
    const struct run_setup *setup;
    struct config config; /* the setup's, but for the clocks of a list; its texts are the
                             setup's */
    struct loop loop;
    struct watch signals;
    struct timer deadline; /* of a list */
    struct timer redraw;
    struct budgets budgets;
    struct metrics_shard *metrics;
    struct background *background;
    struct fetch_shared *shared;
    struct fetcher *fetcher;
    struct run_input input;
    struct run_output output;
    struct run_screen screen;
    uint64_t began_us;

    enum run_kind kind;
    struct line_reader lines; /* or the bytes of a document */
    size_t blank;             /* bytes at their begin that tell nothing of the kind */
    unsigned steps_left;      /* of a list: reads and faulty lines in this turn */
    struct gather *gather;    /* of a document; NULL: not started, or ended */

    /* Of a list. */
    struct run_lane **lanes;
    unsigned lane_count;
    struct watch bell; /* a lane has news */

    /* Under the lock: held by main in all of its turn but the wait, and by a lane while
     * it adds what ended. */
    pthread_mutex_t lock;
    struct run_tally tally; /* of all items */
    const char *fault;      /* of a lane that cannot go on */

    uint64_t started;
    bool is_cut;                   /* a list is not read any further */
    bool is_paused;                /* results wait for their reader */
    bool is_ended;                 /* the last result was given to the output */
    int signal;                    /* that ends the run; 0: none */
    uint64_t signalled_ms;         /* when it came */
    bool is_wrong;                 /* the document is, or the input could not be read … */
    int wrong_status;              /* … and this is the exit status */
    struct gather_summary summary; /* valid when is_ended */
};

static inline double run_elapsed_ms(const struct run *run)
{
    return (double)(run->loop.now_us - run->began_us) / 1000;
}

/* run_gather_setup fills what the gathers of all kinds share. */
struct gather_setup run_gather_setup(struct run *run);

/* An item that has ended. */
struct run_ended {
    const struct item *item;
    const struct outcome *outcome; /* what its response was made of; … */
    enum call_code code;           /* … but this is what it ended with */
    double start_ms;               /* since the run began */
};

void run_tally_note(struct run_tally *tally, const struct run_ended *ended);

/* run_note counts an item that has ended, and shows it where items are shown. */
void run_note(struct run *run, const struct run_ended *ended);

/* run_add adds what ended on a lane to the run, and empties `tally` and `out`; out NULL:
 * the results come later, at the latest with the last item the lane was given; `fault`:
 * the lane cannot go on, which ends the run: results that other lanes hold then (5 ms of
 * them) are counted and not written. run_trim_others asks all lanes but `lane` to close
 * idle connections. The lane's thread. */
void run_add(struct run *run, struct run_lane *lane, struct run_tally *tally,
             struct buffer *out, const char *fault);
void run_trim_others(struct run *run, const struct run_lane *lane);
void run_chunk_free(struct run_chunk *chunk);

/* run_finish: the last result was written; the summary follows. */
void run_finish(struct run *run, const struct gather_summary *summary);

/* run_fail: the run cannot go on; `err` is printed. */
void run_fail(struct run *run, int status, const char *text);

/* run_list.c: run_list_turn reads and starts what may start now, and finishes when all is
 * done; while run_list_has_more it wants its next turn at once. run_list_end: no further
 * lines; what is under way ends with `code`. */
void run_list_open(struct run *run);
void run_list_turn(struct run *run);
bool run_list_has_more(const struct run *run);
void run_list_end(struct run *run, enum call_code code);
void run_list_close(struct run *run);

/* run_document.c: the same for a document. */
void run_document_turn(struct run *run);
void run_document_end(struct run *run, enum call_code code);
