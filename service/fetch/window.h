/* SPDX-License-Identifier: Apache-2.0 */
/* How many calls of one origin a worker has under way at once: fetch.per_origin, or fewer
 * while fewer bring as much.
 *
 * An upstream that answers at once gains nothing from hundreds of requests in its queue,
 * and the worker loses: what libcurl and the kernel hold for each call has left the
 * processor's cache before the reply is there. With 32 calls under way instead of 256 an
 * item took a quarter less CPU, at more items a second.
 *
 * So a window is narrow only where that costs nothing, and this is watched while it is:
 *
 *   wide ──► narrow   for an interval more calls than WINDOW_LEAST were under way, and
 *                     the worker slept for less than half of it.
 *   it stays so       while the worker does not sleep with calls waiting here, a tenth of
 *                     the time excepted: then they wait for the worker. Or, for
 *                     WINDOW_TRUST_US, while nine tenths as many calls end in a second as
 *                     did when it was wide: then they wait for the upstream, and it may
 *                     be narrow again as soon as it was wide for an interval.
 *   narrow ──► wider  when neither holds, four times for each millisecond of sleep.
 *   narrow ──► wide   when a reply took WINDOW_NEAR_US, whatever else holds: the calls
 *                     under way over the replies a second (Little's law).
 *
 * Of the upstream nothing is assumed: replies may take what they like, all or some. A
 * batch that comes alone has all of fetch.per_origin. After a window had to widen it is
 * left alone for a while, longer each time.
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
    WINDOW_BUSY_SHARE = 2, /* a worker that sleeps for less than half is busy */
    WINDOW_LOSS_US = 1000,
    WINDOW_LOSS_SHARE =
        10, /* a tenth: epoll_wait itself, and a machine with other work */
    WINDOW_NEAR_US = 4000,
    /* To the next trial after one failed. Each costs an interval at worst. */
    WINDOW_PAUSE_US = 250 * 1000,
    WINDOW_PAUSE_MAX_US = 2000 * 1000,
    WINDOW_LOOK_US = 4 * 1000, /* what less tells is too little */
    WINDOW_TRUST_US = 2000 * 1000,
};

struct window_range {
    unsigned least;
    unsigned most; /* fetch.per_origin */
};

struct window_rate {
    uint64_t count; /* calls that ended */
    uint64_t took_us;
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
    struct window_rate last;   /* the interval before */
    struct window_rate wide;   /* of the intervals in which it was wide, lately */
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
