/* SPDX-License-Identifier: Apache-2.0 */
/* One thread's tests only. */
#include "support/failing_memory.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

bool failing_memory_is_here(void)
{
    return false;
}

void failing_memory_arm(size_t number)
{
    (void)number;
}

bool failing_memory_disarm(void)
{
    return false;
}

#else

/* glibc's own, under the names it keeps for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static size_t left; /* 0: not armed, or it has failed */
static bool has_failed;

bool failing_memory_is_here(void)
{
    return true;
}

void failing_memory_arm(size_t number)
{
    left = number;
    has_failed = false;
}

bool failing_memory_disarm(void)
{
    left = 0;
    return has_failed;
}

static bool must_fail(void)
{
    if (left == 0 || --left > 0)
        return false;
    has_failed = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return must_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return must_fail() ? NULL : __libc_realloc(memory, size);
}

#endif
