/* SPDX-License-Identifier: Apache-2.0 */
/* The allocation policy of memory.h. Allocators stay libc's: sanitizers and Valgrind see
 * every block. */
#include "base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(size_t size)
{
    fprintf(stderr, "gatherd: out of memory: %zu bytes were refused\n", size);
    abort();
}

void *memory_new(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        out_of_memory(size);
    return memory;
}

void *memory_try_array(size_t count, size_t size)
{
    return count == 0 ? NULL : calloc(count, size);
}

char *memory_copy_text(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        out_of_memory(strlen(text) + 1);
    return copy;
}

void memory_tune(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
}
