/* SPDX-License-Identifier: Apache-2.0 */
/* Are all CPUs taken? A thread that has work and does not run for an eighth of the time
 * says so: others, of this program or not, want the CPUs as well, and work given to
 * another thread would only make them wait. Pure; one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct crowding {
    bool is_counting;
    uint64_t wall_us, cpu_us; /* when it began to count */
    bool is_crowded;          /* as of the last time it had counted long enough */
};

/* crowding_note: the thread has had work since the last call, or crowding_pause; what the
 * wall clock and the thread's own show now. Returns whether CPUs are taken, as far as is
 * known: it takes 4 ms to tell. */
bool crowding_note(struct crowding *crowding, uint64_t wall_us, uint64_t cpu_us);
/* crowding_pause: it has no work now, and may sleep. */
void crowding_pause(struct crowding *crowding);
