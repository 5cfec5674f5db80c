/* SPDX-License-Identifier: Apache-2.0 */
/* How many calls of one origin a worker has under way at once, below fetch.per_origin: no
 * more than it takes to keep origin and worker busy.
 *
 * An upstream that answers at once gains nothing from hundreds of requests in its queue,
 * and the worker loses: what libcurl and the kernel hold for each call has left the
 * processor's cache before the reply is there. With 32 calls under way instead of 400 an
 * item took a fifth less CPU, at more items a second. An upstream that takes its time
 * needs as many under way as a worker can start in that time.
 *
 * So the window is the time a reply takes when hardly anything else is under way, over
 * the time a call takes of the worker. That time is measured now and then: the window
 * shuts to a few calls, and what the next ones take counts (so BBR finds the least round
 * trip: draft-ietf-ccwg-bbr, ProbeRTT). Where replies stay away,
 * or a few slow ones fill it, it opens at once. Pure: `now_us` is any clock, the same in
 * all functions. One per origin, embedded in its gate; the schedule of one worker. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    WINDOW_LEAST = 32,
    /* Less than a call ever took of a worker (14 µs, small bodies): the window is never
     * what a busy worker waits for. */
    WINDOW_CALL_US = 8,
    WINDOW_TRY_SIZE = 4, /* calls under way while the time is measured */
    WINDOW_SAMPLES = 16,
    WINDOW_FIRST_TRY_US = 100 * 1000, /* not in the first small batch */
    WINDOW_TRY_US = 1000 * 1000,      /* from one measurement to the next, at least … */
    WINDOW_TRY_SHARE = 200,           /* … and as many times as long as one took */
    /* It opens fourfold after a millisecond without a reply. Where replies took less, the
     * processor may have been with other programs: after 16 ms with few. */
    WINDOW_QUIET_US = 1000,
    WINDOW_SLOW_US = 16 * 1000,
    WINDOW_SLOW_COUNT = 32,
};

struct window_range {
    unsigned least;
    unsigned most; /* fetch.per_origin */
};

/* Zeroed: at the least, nothing known. */
struct window {
    unsigned size; /* 0: never opened */
    bool is_trying;
    bool is_drained; /* trying, and only as many are under way as it lets start */
    unsigned count;
    uint64_t quiet_us;   /* since then no reply has come */
    uint64_t slow_us;    /* since then `count` have */
    uint64_t drained_us; /* what starts from then on is measured */
    uint64_t
        reply_us;    /* what one takes alone: of the samples the quarter's; 0: unknown */
    uint64_t try_us; /* since when it is being measured, or when it will be */
    unsigned sample_count;
    uint32_t samples_us[WINDOW_SAMPLES]; /* in order of size */
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

struct window_reply {
    uint64_t started_us; /* when the call was started; 0: what it took does not count */
    unsigned running;    /* calls that are left */
    bool is_short;       /* others wait */
};

/* window_done: a call has ended. */
void window_done(struct window *window, const struct window_range *range,
                 const struct window_reply *reply, uint64_t now_us);
/* window_widen: calls wait. True: it has become wider, as too few replies have come. */
bool window_widen(struct window *window, const struct window_range *range,
                  uint64_t now_us);
