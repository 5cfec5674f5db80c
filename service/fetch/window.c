/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of as many replies as the window is wide: how long one takes is how long a call
 * takes, and its replies an interval. */
#include "fetch/window.h"

static void begin_round(struct window *window, uint64_t now_us)
{
    window->count = 0;
    window->is_short = false;
    window->round_us = now_us;
    window->quiet_us = now_us;
}

static unsigned times(unsigned size, unsigned factor, unsigned most)
{
    return size < most / factor ? size * factor : most;
}

/* Back to what it was before the least was tried. */
static void give_up(struct window *window, uint64_t now_us)
{
    window->size = window->before;
    window->before = 0;
    window->try_us = now_us + WINDOW_TRY_AGAIN_US;
}

void window_open(struct window *window, const struct window_range *range, uint64_t now_us)
{
    window->size = window_size(window, range);
    begin_round(window, now_us);
}

void window_wait(struct window *window, uint64_t now_us)
{
    window->quiet_us = now_us;
}

/* What a whole round showed: `each_us` from reply to reply. */
static void judge(struct window *window, const struct window_range *range,
                  uint64_t each_us, uint64_t now_us)
{
    if (window->before > 0) {
        if (each_us > window->before_us + window->before_us / 4) {
            give_up(window, now_us);
            return;
        }
        window->before = 0;
        window->try_us = now_us + WINDOW_TRY_US;
    } else if (each_us > WINDOW_BUSY_US) {
        if (window->slow > 0)
            window->slow--;
        else if (window->is_short)
            window->size = times(window->size, 2, range->most);
        return;
    } else if (window->size > range->least && now_us >= window->try_us) {
        window->before = window->size;
        window->before_us = each_us;
        window->size = range->least;
    }
    window->slow = WINDOW_SLOW_ROUNDS;
}

void window_done(struct window *window, const struct window_range *range,
                 unsigned running, bool is_short, uint64_t now_us)
{
    window->quiet_us = now_us;
    window->is_short |= is_short;
    if (running >= window->size) {
        begin_round(window, now_us); /* until those of the larger window are through */
        return;
    }
    if (++window->count < window->size)
        return;
    uint64_t round_us = now_us - window->round_us;
    judge(window, range, (round_us + window->size - 1) / window->size, now_us);
    begin_round(window, now_us);
}

bool window_widen(struct window *window, const struct window_range *range,
                  uint64_t now_us)
{
    unsigned size = window_size(window, range);
    uint64_t patience_us = window->slow > 0 ? WINDOW_QUIET_FAST_US : WINDOW_QUIET_US;
    if (now_us - window->quiet_us < patience_us || size >= range->most)
        return false;
    window->slow = 0;
    if (window->before > 0)
        give_up(window, now_us);
    else
        window->size = times(size, 4, range->most);
    begin_round(window, now_us);
    return true;
}
