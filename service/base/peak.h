/* SPDX-License-Identifier: Apache-2.0 */
/* The highest of what was told within the last one to two seconds. Pure. */
#pragma once

#include <stdint.h>

/* Zeros: nothing was told. */
struct peak {
    uint64_t second; /* of `now` */
    uint64_t now;    /* the highest of this second … */
    uint64_t before; /* … and of the one before */
};

static inline void peak_move(struct peak *peak, uint64_t now_ms)
{
    uint64_t second = now_ms / 1000;
    if (second == peak->second)
        return;
    peak->before = second == peak->second + 1 ? peak->now : 0;
    peak->now = 0;
    peak->second = second;
}

static inline void peak_note(struct peak *peak, uint64_t now_ms, uint64_t value)
{
    peak_move(peak, now_ms);
    if (value > peak->now)
        peak->now = value;
}

static inline uint64_t peak_read(const struct peak *peak, uint64_t now_ms)
{
    struct peak moved = *peak;
    peak_move(&moved, now_ms);
    return moved.now > moved.before ? moved.now : moved.before;
}
