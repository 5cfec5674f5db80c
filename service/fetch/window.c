/* SPDX-License-Identifier: Apache-2.0 */
/* Measured when it is first used, and again while calls wait for it. */
#include "fetch/window.h"

static unsigned between(uint64_t size, const struct window_range *range)
{
    if (size < range->least)
        return range->least;
    return size < range->most ? (unsigned)size : range->most;
}

static unsigned size_for(const struct window_range *range, uint64_t reply_us)
{
    return between(reply_us / WINDOW_CALL_US, range);
}

static void count_from(struct window *window, uint64_t now_us)
{
    window->quiet_us = now_us;
    window->slow_us = now_us;
    window->count = 0;
}

void window_open(struct window *window, const struct window_range *range, uint64_t now_us)
{
    window->size = window_size(window, range);
    if (window->try_us == 0)
        window->try_us = now_us + WINDOW_FIRST_TRY_US;
    count_from(window, now_us);
}

void window_wait(struct window *window, uint64_t now_us)
{
    window->quiet_us = now_us;
    if (now_us - window->slow_us >= 2 * WINDOW_SLOW_US)
        count_from(window, now_us); /* what was is long ago */
}

/* In order, so that the median is in the middle. */
static void take_sample(struct window *window, uint64_t took_us)
{
    uint32_t sample = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
    unsigned at = window->sample_count++;
    for (; at > 0 && window->samples_us[at - 1] > sample; at--)
        window->samples_us[at] = window->samples_us[at - 1];
    window->samples_us[at] = sample;
}

static void end_try(struct window *window, uint64_t now_us)
{
    uint64_t pause_us =
        window->is_trying ? (now_us - window->try_us) * WINDOW_TRY_SHARE : WINDOW_TRY_US;
    window->is_trying = false;
    window->sample_count = 0;
    window->try_us = now_us + (pause_us > WINDOW_TRY_US ? pause_us : WINDOW_TRY_US);
}

static void begin_try(struct window *window, const struct window_range *range,
                      uint64_t now_us)
{
    window->is_trying = true;
    window->is_drained = false;
    window->sample_count = 0;
    window->try_us = now_us;
    window->size = WINDOW_TRY_SIZE < range->least ? WINDOW_TRY_SIZE : range->least;
}

/* Draining takes as long as what is under way: only where much is done in little time,
 * which is known at the end of an interval. */
static bool must_try(struct window *window, const struct window_range *range,
                     const struct window_reply *reply, uint64_t now_us)
{
    if (now_us - window->slow_us < WINDOW_SLOW_US)
        return false;
    bool is_busy = window->count >= WINDOW_SLOW_COUNT &&
                   now_us - window->slow_us < 2 * WINDOW_SLOW_US;
    bool matters = reply->is_short || reply->running > range->least;
    count_from(window, now_us);
    return is_busy && matters && range->least < range->most && now_us >= window->try_us;
}

/* True for a reply that came while hardly anything else was under way. */
static bool is_alone(struct window *window, const struct window_reply *reply,
                     uint64_t now_us)
{
    if (window->is_drained)
        return reply->started_us >= window->drained_us;
    window->is_drained = reply->running < window->size;
    window->drained_us = now_us;
    return false;
}

void window_done(struct window *window, const struct window_range *range,
                 const struct window_reply *reply, uint64_t now_us)
{
    window->quiet_us = now_us;
    window->count++;
    if (!window->is_trying) {
        if (must_try(window, range, reply, now_us))
            begin_try(window, range, now_us);
        return;
    }
    if (!is_alone(window, reply, now_us))
        return;
    take_sample(window, now_us > reply->started_us ? now_us - reply->started_us : 1);
    if (window->sample_count < WINDOW_SAMPLES)
        return;
    window->reply_us = window->samples_us[WINDOW_SAMPLES / 4];
    window->size = size_for(range, window->reply_us);
    end_try(window, now_us);
    count_from(window, now_us);
}

/* Too few replies for what they usually take, while calls wait. */
static bool is_slow(struct window *window, uint64_t now_us)
{
    bool is_near = window->reply_us > 0 && window->reply_us < WINDOW_QUIET_US;
    if (!is_near)
        return now_us - window->quiet_us >= WINDOW_QUIET_US;
    if (now_us - window->slow_us < WINDOW_SLOW_US)
        return false;
    bool is_slow = window->count < WINDOW_SLOW_COUNT;
    window->slow_us = now_us;
    window->count = 0;
    return is_slow;
}

bool window_widen(struct window *window, const struct window_range *range,
                  uint64_t now_us)
{
    unsigned size = window_size(window, range);
    if (size >= range->most || !is_slow(window, now_us))
        return false;
    if (window->is_trying)
        size = size_for(range, window->reply_us);
    end_try(window, now_us);
    window->size = between((uint64_t)size * 4, range);
    count_from(window, now_us);
    return true;
}
