/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of one kind that hostile or broken others can cause as often as they like: a few
 * at once and then so many a second, over all threads. What is held back is counted, and
 * the next line of the kind says how many that were. Time comes in. */
#pragma once

#include "base/rate.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct log_class {
    struct rate rate;
    atomic_uint_fast64_t held; /* since the last line */
};

/* For a class that lives as long as the process: static struct log_class x =
 * LOG_CLASS(1, 5); rates as in rate_init, but not 0. */
#define LOG_CLASS(per_second, burst)                                                     \
    {                                                                                    \
        .rate = {                                                                        \
            .item_ns = 1000000000ULL / (per_second),                                     \
            .burst_ns = (burst) * (1000000000ULL / (per_second))                         \
        }                                                                                \
    }
void log_class_init(struct log_class *class, uint64_t per_second, uint64_t burst);

/* log_class_take: may a line be written now? Then *ret_held is how many were held back
 * since the last one; else it is untouched, and this one is. Any thread. */
bool log_class_take(struct log_class *class, uint64_t now_us, uint64_t *ret_held);
