/* SPDX-License-Identifier: Apache-2.0 */
/* What the system says about this process, for the metrics page. */
#pragma once

#include <stdint.h>

struct process_figures {
    double cpu_seconds;
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    uint64_t open_fds;
    uint64_t max_fds;
    uint64_t threads;
    double start_time_seconds; /* since 1970; the same for the life of the process */
};

/* process_figures_read fills `ret_figures`; what cannot be read is 0. Reads /proc, which
 * does not block; any thread. */
void process_figures_read(struct process_figures *ret_figures);
