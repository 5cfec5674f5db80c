/* SPDX-License-Identifier: Apache-2.0 */
/* One core of a list's run: a thread with a loop and a fetcher, which parses, fetches and
 * renders the chunks that main gives it. For run*.c only. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/list.h"
#include "fetch/call_code.h"

#include <stddef.h>
#include <stdint.h>

struct run;
struct run_lane;

enum { RUN_CHUNK_MAX = 64 };

/* Lines on their way to a lane. */
struct run_chunk {
    struct list node;
    struct buffer text; /* a JSON array of URLs */
    uint64_t numbers[RUN_CHUNK_MAX];
    size_t count;
};

/* run_lane_new makes one; nothing runs before run_lane_start, and all lanes are made
 * before the first is started. run_lane_stop ends the thread, run_lane_free all the rest.
 * Main's thread; NULL is fine. */
struct run_lane *run_lane_new(struct run *run, struct error *err) MUST_CHECK;
bool run_lane_start(struct run_lane *lane, struct error *err) MUST_CHECK;
void run_lane_stop(struct run_lane *lane);
void run_lane_free(struct run_lane *lane);

/* run_lane_load: items it was given that are not known to be done; run_lane_note_done
 * makes them known. Under the run's lock, as run_lane_give. */
size_t run_lane_load(const struct run_lane *lane);
void run_lane_note_done(struct run_lane *lane, size_t count);

/* run_lane_give hands over a chunk. run_lane_end: what is under way there ends with
 * `code`. run_lane_trim: idle connections are closed. Any thread. */
void run_lane_give(struct run_lane *lane, struct run_chunk *chunk);
void run_lane_end(struct run_lane *lane, enum call_code code);
void run_lane_trim(struct run_lane *lane);
