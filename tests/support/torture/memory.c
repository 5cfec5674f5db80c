/* SPDX-License-Identifier: Apache-2.0 */
/* The allocators of libc, of which the N-th call fails. What libc itself allocates
 * (strdup, fopen, getaddrinfo) comes through here as well. */
#include "torture.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own, under the names it keeps for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static struct torture_control *control;
/* Initial-exec: reading it must not allocate. */
static _Thread_local bool is_inside __attribute__((tls_model("initial-exec")));

__attribute__((constructor)) static void open_control(void)
{
    void *frames[2];
    backtrace(frames, 2); /* loads what it needs, outside of any count */
    const char *path = getenv("TORTURE_CONTROL");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof(struct torture_control), PROT_READ | PROT_WRITE,
                        MAP_SHARED, fd, 0);
    if (memory != MAP_FAILED)
        control = memory;
    close(fd);
}

static void take_frames(uint64_t into[TORTURE_FRAMES])
{
    void *frames[TORTURE_FRAMES + 2] = {NULL};
    is_inside = true;
    backtrace(frames, TORTURE_FRAMES + 2);
    is_inside = false;
    for (int i = 0; i < TORTURE_FRAMES; i++)
        into[i] = (uint64_t)(uintptr_t)frames[i + 2];
}

bool torture_must_fail(enum torture_family family, const char *name)
{
    if (!control || is_inside || atomic_load(&control->family) != family)
        return false;
    uint64_t number = atomic_fetch_add(&control->count, 1) + 1;
    if (number != control->fail_at)
        return false;
    strncpy(control->name, name, sizeof control->name - 1);
    take_frames(control->frames);
    atomic_fetch_add(&control->failed, 1);
    return true;
}

bool torture_is_interrupted(void)
{
    return control && control->is_interrupted;
}

/* ------------------------------------------------------------------ live blocks */

static size_t first_slot(uint64_t address)
{
    return (size_t)((address >> 4) * 0x9e3779b97f4a7c15ULL >> 48) % TORTURE_SLOTS;
}

static void *remember(void *memory, size_t size)
{
    if (!memory || !control || is_inside || control->generation == 0)
        return memory;
    uint64_t address = (uint64_t)(uintptr_t)memory;
    for (size_t i = 0; i < TORTURE_PROBES; i++) {
        size_t slot = (first_slot(address) + i) % TORTURE_SLOTS;
        uint64_t old = atomic_load(&control->blocks[slot]);
        if (old > 1 ||
            !atomic_compare_exchange_strong(&control->blocks[slot], &old, address))
            continue;
        control->details[slot].size = size;
        control->details[slot].generation = control->generation;
        take_frames(control->details[slot].frames);
        return memory;
    }
    atomic_fetch_add(&control->forgotten, 1);
    return memory;
}

static void forget(void *memory)
{
    if (!memory || !control)
        return;
    uint64_t address = (uint64_t)(uintptr_t)memory;
    for (size_t i = 0; i < TORTURE_PROBES; i++) {
        size_t slot = (first_slot(address) + i) % TORTURE_SLOTS;
        uint64_t old = address;
        if (atomic_compare_exchange_strong(&control->blocks[slot], &old, 1))
            return;
        if (old == 0)
            return;
    }
}

/* ------------------------------------------------------------------- allocators */

static bool is_refused(const char *name)
{
    if (!torture_must_fail(TORTURE_MEMORY, name))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return is_refused("malloc") ? NULL : remember(__libc_malloc(size), size);
}

void *calloc(size_t count, size_t size)
{
    return is_refused("calloc") ? NULL
                                : remember(__libc_calloc(count, size), count * size);
}

void *realloc(void *memory, size_t size)
{
    if (is_refused("realloc"))
        return NULL;
    forget(memory); /* before another thread may get the address */
    void *moved = __libc_realloc(memory, size);
    if (!moved && size > 0)
        return remember(memory, size), NULL;
    return remember(moved, size);
}

void free(void *memory)
{
    int kept = errno;
    forget(memory);
    __libc_free(memory);
    errno = kept;
}

void *memalign(size_t alignment, size_t size)
{
    return is_refused("memalign") ? NULL
                                  : remember(__libc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = memalign(alignment, size);
    if (!memory)
        return ENOMEM;
    *ret_memory = memory;
    return 0;
}
