/* SPDX-License-Identifier: Apache-2.0 */
/* A first signal asks a program to end, a second one that it does so at once. One request
 * may come twice: timeout(1) signals its child and then the group the child is in, and
 * foreman and npm pass on what the terminal has sent to all of them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { SECOND_SIGNAL_AFTER_MS = 100 };

/* Whether one at `now_ms` says more than the first one at `first_ms`. */
static inline bool second_signal_is_meant(uint64_t first_ms, uint64_t now_ms)
{
    return now_ms >= first_ms + SECOND_SIGNAL_AFTER_MS;
}
