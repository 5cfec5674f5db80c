/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that reads the clocks. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_now_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_thread_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clock_now_ms(void)
{
    return clock_now_us() / 1000;
}

int64_t clock_wall_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

void clock_wall_text(char *text, size_t size)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, size - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
}
