/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals measure; a sleeping worker is seen at once. */
#include "fetch/window.h"

static bool is_narrow(const struct window *window, const struct window_range *range)
{
    return window_size(window, range) < range->most;
}

static void begin_interval(struct window *window, struct window_clock clock)
{
    window->since = clock;
    window->count = 0;
}

void window_open(struct window *window, struct window_clock clock)
{
    if (clock.now_us - window->since.now_us < 2 * WINDOW_INTERVAL_US)
        return;
    begin_interval(window, clock);
    window->size = 0; /* what it was narrow for is long ago */
}

void window_wait(struct window *window, struct window_clock clock)
{
    window->wait_us = clock.now_us;
    window->seen = clock;
    window->lost_us = 0;
}

/* As many calls end as did when it was wide, nine tenths of them at least. */
static bool is_as_fast(const struct window *window, struct window_clock clock)
{
    uint64_t took_us = clock.now_us - window->since.now_us;
    uint64_t count = window->count;
    if (took_us < WINDOW_LOOK_US && window->last.took_us > 0) {
        took_us += window->last.took_us;
        count += window->last.count;
    }
    return 10 * count * window->wide.took_us >= 9 * window->wide.count * took_us;
}

static void make_wider(struct window *window, const struct window_range *range,
                       unsigned times, struct window_clock clock)
{
    unsigned size = window_size(window, range);
    window->size = size < range->most / times ? size * times : 0;
    window->lost_us = 0;
    window->last.took_us = 0;
    begin_interval(window, clock);
}

/* After it had been wrong, or is no more right, to be narrow. */
static void leave_alone(struct window *window, struct window_clock clock)
{
    bool was_right = clock.now_us - window->narrow_us >= WINDOW_TRUST_US / 2;
    uint64_t pause_us = was_right ? 0 : 2 * window->pause_us;
    if (pause_us < WINDOW_PAUSE_US)
        pause_us = WINDOW_PAUSE_US;
    window->pause_us = pause_us < WINDOW_PAUSE_MAX_US ? pause_us : WINDOW_PAUSE_MAX_US;
    window->next_us = clock.now_us + window->pause_us;
}

/* One slow interval proves little: the machine may have had other work. */
static void note_wide(struct window *window, struct window_rate rate)
{
    uint64_t before = window->wide.count - window->wide.count / 8;
    if (rate.count * window->wide.took_us >= before * rate.took_us)
        window->wide = rate;
    else
        window->wide.count = before;
}

/* Calls waited all the interval, so `size` were under way. */
static bool is_far(const struct window *window, const struct window_range *range,
                   uint64_t took_us)
{
    return window->wait_us <= window->since.now_us &&
           (uint64_t)window->count * WINDOW_NEAR_US <
               window_size(window, range) * took_us;
}

/* True: it has become wider. */
static bool end_interval(struct window *window, const struct window_range *range,
                         const struct window_reply *reply, struct window_clock clock)
{
    const struct window_rate rate = {.count = window->count,
                                     .took_us = clock.now_us - window->since.now_us};
    uint64_t idle_us = clock.idle_us - window->since.idle_us;
    bool was_far = reply->is_short && is_narrow(window, range) &&
                   is_far(window, range, rate.took_us);
    bool is_busy = idle_us * WINDOW_BUSY_SHARE < rate.took_us;
    bool is_crowded = reply->is_short || reply->running > range->least;
    begin_interval(window, clock);
    window->last = rate;
    if (was_far) {
        make_wider(window, range, range->most, clock);
        leave_alone(window, clock);
        return true;
    }
    if (!is_narrow(window, range) && is_crowded)
        note_wide(window, rate);
    if (is_busy && is_crowded && clock.now_us >= window->next_us &&
        window_size(window, range) > range->least) {
        window->size = range->least;
        window->narrow_us = clock.now_us;
        window->last.took_us = 0;
        window->seen = clock;
        window->lost_us = 0;
    }
    return false;
}

void window_done(struct window *window, const struct window_range *range,
                 const struct window_reply *reply, struct window_clock clock)
{
    window->count++;
    if (clock.now_us - window->since.now_us >= WINDOW_INTERVAL_US)
        end_interval(window, range, reply, clock);
}

/* True: it has become wider. */
static bool lose(struct window *window, const struct window_range *range,
                 struct window_clock clock)
{
    uint64_t narrow_us = clock.now_us - window->narrow_us;
    if (narrow_us < WINDOW_LOOK_US)
        return false; /* too early to say */
    bool is_fast = is_as_fast(window, clock);
    if (is_fast && narrow_us < WINDOW_TRUST_US) {
        window->lost_us = 0;
        return false;
    }
    make_wider(window, range, is_fast ? range->most : 4, clock);
    if (is_fast)
        window->next_us = clock.now_us + WINDOW_INTERVAL_US; /* measured anew */
    else
        leave_alone(window, clock);
    return true;
}

bool window_widen(struct window *window, const struct window_range *range,
                  struct window_clock clock)
{
    if (!is_narrow(window, range))
        return false;
    uint64_t leak_us = (clock.now_us - window->seen.now_us) / WINDOW_LOSS_SHARE;
    window->lost_us += clock.idle_us - window->seen.idle_us;
    window->lost_us -= leak_us < window->lost_us ? leak_us : window->lost_us;
    window->seen = clock;
    if (window->lost_us >= WINDOW_LOSS_US && lose(window, range, clock))
        return true;
    const struct window_reply none = {.running = window_size(window, range),
                                      .is_short = true};
    return clock.now_us - window->since.now_us >= WINDOW_INTERVAL_US &&
           end_interval(window, range, &none, clock);
}
