/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that reads the clocks. */
#include "base/clock.h"

#include <assert.h>
#include <string.h>
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

uint64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_wall_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

uint64_t clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

void clock_wall_text(char *text, size_t size)
{
    /* A busy service writes many lines a second: the calendar is asked once in each. */
    static _Thread_local time_t known_s;
    static _Thread_local char known[32];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != known_s || !*known) {
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        strftime(known, sizeof known, "%Y-%m-%dT%H:%M:%S", &utc);
        known_s = now.tv_sec;
    }
    unsigned ms = (unsigned)(now.tv_nsec / 1000000);
    const char fraction[] = {'.',
                             (char)('0' + ms / 100),
                             (char)('0' + ms / 10 % 10),
                             (char)('0' + ms % 10),
                             'Z',
                             '\0'};
    size_t len = strlen(known);
    assert(len + sizeof fraction <= size);
    memcpy(text, known, len);
    memcpy(text + len, fraction, sizeof fraction);
}
