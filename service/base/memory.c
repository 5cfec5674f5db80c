/* SPDX-License-Identifier: Apache-2.0 */
/* The allocation policy of memory.h. Allocators stay libc's: sanitizers and Valgrind see
 * every block. */
#include "base/memory.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Address space that is never touched, so it costs no memory; NULL: given up. */
static _Atomic(void *) reserve;

/* Gives the reserve up for whatever is allocated next. */
static void release_reserve(void)
{
    void *held = atomic_exchange(&reserve, NULL);
    if (held)
        munmap(held, MEMORY_RESERVE);
}

bool memory_keep_reserve(void)
{
    if (atomic_load_explicit(&reserve, memory_order_relaxed))
        return true;
    void *fresh = mmap(NULL, MEMORY_RESERVE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED)
        return false;
    void *none = NULL;
    if (!atomic_compare_exchange_strong(&reserve, &none, fresh))
        munmap(fresh, MEMORY_RESERVE); /* another thread was faster */
    return true;
}

static void out_of_memory(size_t size)
{
    fprintf(stderr, "gatherd: out of memory: %zu bytes were refused\n", size);
    abort();
}

void *memory_new(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory) {
        release_reserve();
        memory = calloc(1, size ? size : 1);
    }
    if (!memory)
        out_of_memory(size);
    return memory;
}

void *memory_try_array(size_t count, size_t size)
{
    /* calloc looks itself; the one of a sanitizer ends the process for it. */
    if (count == 0 || count > PTRDIFF_MAX / size)
        return NULL;
    return calloc(count, size);
}

char *memory_copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(memory_new(size), text, size);
}

void memory_tune(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
}
