/* SPDX-License-Identifier: Apache-2.0 */
/* How many calls of one origin a worker has under way at once, below fetch.per_origin:
 * no more than the origin needs to be kept busy.
 *
 * An upstream that answers at once gains nothing from hundreds of requests in its queue,
 * and the worker loses: what libcurl and the kernel hold for each call falls out of the
 * processor's cache before the reply is there. With 32 calls under way instead of 400 an
 * item took a fifth less CPU, at more items a second. An upstream that takes its time
 * needs as many under way as come in that time.
 *
 * So a window starts at the least. It grows when calls wait for it and no reply comes for
 * a millisecond (fourfold), or replies come too slowly for a worker that is busy
 * (twofold). Now and then a window that has grown tries the least again, and stays there
 * if as many replies come in the same time. Pure: `now_us` is any clock, the same in all
 * functions. One per origin, embedded in its gate; the schedule of one worker. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    /* 48 calls that take 20 µs of the worker each keep it busy for a millisecond: an
     * upstream nearer than that is never waited for. */
    WINDOW_LEAST = 48,
    WINDOW_QUIET_US = 1000, /* without a reply, while calls wait */
    /* The same where replies came quickly so far: other programs have the processor for
     * some milliseconds, the upstream among them. */
    WINDOW_QUIET_FAST_US = 10 * 1000,
    /* A reply every 160 µs: at a fifth of what a worker can do with small replies, and
     * that in several rounds, the window may be what holds things up. */
    WINDOW_BUSY_US = 160,
    WINDOW_SLOW_ROUNDS = 4,
    WINDOW_TRY_US = 1000 * 1000,       /* until a large one tries the least */
    WINDOW_TRY_AGAIN_US = 5000 * 1000, /* and when that had been too little */
};

struct window_range {
    unsigned least;
    unsigned most; /* fetch.per_origin */
};

/* Zeroed: at the least. */
struct window {
    unsigned size;      /* 0: never opened */
    unsigned before;    /* the size to return to; 0: nothing is being tried */
    unsigned count;     /* replies in this round, of as many as the window's size */
    bool is_short;      /* calls waited for it in this round */
    unsigned slow;      /* slow rounds that may still follow before it grows */
    uint64_t round_us;  /* when the round began */
    uint64_t quiet_us;  /* since then no reply has come */
    uint64_t try_us;    /* when the least may be tried */
    uint64_t before_us; /* for a call, on average, at the size `before` */
};

static inline unsigned window_size(const struct window *window,
                                   const struct window_range *range)
{
    return window->size ? window->size : range->least;
}

/* window_open: the first call after none starts. */
void window_open(struct window *window, const struct window_range *range,
                 uint64_t now_us);
/* window_wait: the first call after none waits. */
void window_wait(struct window *window, uint64_t now_us);
/* window_done: a call has ended, `running` are left; `is_short`: others wait. */
void window_done(struct window *window, const struct window_range *range,
                 unsigned running, bool is_short, uint64_t now_us);
/* window_widen: calls wait. True: it has become wider, as no reply has come for long. */
bool window_widen(struct window *window, const struct window_range *range,
                  uint64_t now_us);
