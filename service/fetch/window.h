/* SPDX-License-Identifier: Apache-2.0 */
/* How many calls of one origin a worker has under way at once: fetch.per_origin, or fewer
 * while fewer keep the worker busy all the same.
 *
 * An upstream that answers at once gains nothing from hundreds of requests in its queue,
 * and the worker loses: what libcurl and the kernel hold for each call has left the
 * processor's cache before the reply is there. With 32 calls under way instead of 256 an
 * item took a fifth less CPU, at more items a second.
 *
 * So a window is narrow only where that costs nothing, and this is watched while it is:
 *
 *   wide ──► narrow   the worker did not sleep for a whole interval, and more calls were
 *                     under way than WINDOW_LEAST.
 *   narrow ──► wider  the worker slept while calls waited here: a millisecond of it,
 *                     above a tenth of the time, makes it four times as wide.
 *   narrow ──► wide   others kept the worker busy, and a reply took WINDOW_NEAR_US: the
 *                     calls under way over the replies a second (Little's law).
 *
 * A worker that has time to sleep thus never waits for a window, and what replies take,
 * all or some of them, need not be known. A batch that comes alone has all of
 * fetch.per_origin. After a window had to widen it is left alone for a while, longer each
 * time.
 *
 * Pure: `now_us` is any clock that runs on, `idle_us` one that runs while the worker
 * sleeps; the same in all functions. One per origin, embedded in its gate; the schedule
 * of one worker. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    WINDOW_LEAST = 32,
    WINDOW_INTERVAL_US = 16 * 1000,
    WINDOW_BUSY_SHARE = 8, /* a worker that sleeps for less than an eighth is busy */
    WINDOW_LOSS_US = 1000,
    WINDOW_LOSS_SHARE =
        10, /* a tenth: epoll_wait itself, and a machine with other work */
    WINDOW_NEAR_US = 4000,
    /* To the next trial after one failed. Each costs an interval at worst. */
    WINDOW_PAUSE_US = 250 * 1000,
    WINDOW_PAUSE_MAX_US = 2000 * 1000,
    WINDOW_PROOF_US = 1000 * 1000, /* narrow for so long, it had been right */
};

struct window_range {
    unsigned least;
    unsigned most; /* fetch.per_origin */
};

struct window_clock {
    uint64_t now_us;
    uint64_t idle_us;
};

/* Zeroed: wide. */
struct window {
    unsigned size;             /* 0: all there are */
    unsigned count;            /* calls that ended in the interval */
    struct window_clock since; /* the interval's beginning */
    struct window_clock seen;  /* until then what is lost has been counted */
    uint64_t lost_us;          /* slept while calls waited, above the share */
    uint64_t wait_us;          /* since then calls wait */
    uint64_t narrow_us;        /* when it was made narrow */
    uint64_t pause_us;
    uint64_t next_us; /* not narrow again before */
};

static inline unsigned window_size(const struct window *window,
                                   const struct window_range *range)
{
    return window->size ? window->size : range->most;
}

/* window_open: the first call after none starts. */
void window_open(struct window *window, struct window_clock clock);
/* window_wait: calls wait from now on. */
void window_wait(struct window *window, struct window_clock clock);

struct window_reply {
    unsigned running; /* calls that are left */
    bool is_short;    /* others wait */
};

/* window_done: a call has ended. */
void window_done(struct window *window, const struct window_range *range,
                 const struct window_reply *reply, struct window_clock clock);
/* window_widen, every millisecond or so while calls wait: true: it has become wider. */
bool window_widen(struct window *window, const struct window_range *range,
                  struct window_clock clock);
