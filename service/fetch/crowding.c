/* SPDX-License-Identifier: Apache-2.0 */
/* Measured on two CPUs that upstream and client share: while they take one, a batch of
 * 1,000 on two workers ends 18 % earlier; while both are taken it ends later, as the
 * same work costs a fifth more on two. Called by handover.c. */
#include "fetch/crowding.h"

enum {
    WINDOW_US = 4000, /* a time slice of Linux's scheduler, some ten turns */
    CROWDED_SHARE = 8,
};

bool crowding_note(struct crowding *crowding, uint64_t wall_us, uint64_t cpu_us)
{
    if (crowding->is_counting && wall_us - crowding->wall_us < WINDOW_US)
        return crowding->is_crowded;
    if (crowding->is_counting) {
        uint64_t wall = wall_us - crowding->wall_us;
        uint64_t cpu = cpu_us - crowding->cpu_us;
        crowding->is_crowded = cpu < wall && (wall - cpu) * CROWDED_SHARE > wall;
    }
    crowding->is_counting = true;
    crowding->wall_us = wall_us;
    crowding->cpu_us = cpu_us;
    return crowding->is_crowded;
}

void crowding_pause(struct crowding *crowding)
{
    crowding->is_counting = false;
}
