/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that reads the clocks. Durations and deadlines are monotonic; wall time
 * is for logs and for people. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t clock_now_ms(void); /* CLOCK_MONOTONIC, milliseconds, rounded down */
uint64_t clock_now_us(void); /* CLOCK_MONOTONIC, microseconds */

/* clock_thread_us: how long the calling thread has run on a CPU. A system call. */
uint64_t clock_thread_us(void);

int64_t clock_wall_s(void);   /* seconds since 1970 */
uint64_t clock_wall_ms(void); /* milliseconds since 1970 */
uint64_t clock_wall_us(void); /* microseconds since 1970 */

/* clock_wall_text writes the time of day as RFC 3339 UTC with milliseconds
 * ("2026-01-31T12:00:00.123Z") into `text`, NUL-terminated; size at least 25. */
void clock_wall_text(char *text, size_t size);
