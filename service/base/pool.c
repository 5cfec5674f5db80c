/* SPDX-License-Identifier: Apache-2.0 */
/* Size classes of four steps a doubling, from 16 bytes to 4 KiB; larger blocks are
 * malloc's. In front of each block stand 16 bytes that hold its class. Installed by
 * fetch_global.c. */
#include "base/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(GATHERD_NO_POOL) || defined(__SANITIZE_ADDRESS__) ||                         \
    defined(__SANITIZE_THREAD__)
#define IS_WATCHED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_WATCHED true
#endif
#endif
#ifndef IS_WATCHED
#define IS_WATCHED false
#endif

enum {
    HEADER = 16,
    CLASSES = 33,         /* 16, 20, 24, 28, 32, 40 … 4096, rounded up to 16 */
    LARGE = CLASSES,      /* not pooled */
    LIST_BYTES = 1 << 20, /* the most a list keeps */
};

struct block {
    uint32_t class;
    uint32_t unused;
    size_t size;        /* of a LARGE block */
    struct block *next; /* valid while free; overlaps the user's first bytes */
};

struct list_of_class {
    struct block *first;
    uint32_t count;
};

static _Thread_local struct list_of_class lists[CLASSES];
static _Thread_local bool is_registered;
static pthread_key_t at_exit_key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static size_t size_of_class(uint32_t class)
{
    return (size_t)(4 + class % 4) << (2 + class / 4);
}

/* The smallest class that holds `size` (at least 1). */
static uint32_t class_of(size_t size)
{
    if (size <= 16)
        return 0;
    if (size > 4096)
        return LARGE;
    unsigned top = 63u - (unsigned)__builtin_clzl(size - 1); /* of the highest bit */
    return (top - 4) * 4 + (uint32_t)((size - 1) >> (top - 2) & 3) + 1;
}

static struct block *block_of(void *memory)
{
    return (struct block *)(void *)((char *)memory - HEADER);
}

static void *memory_of(struct block *block)
{
    return (char *)block + HEADER;
}

static void at_thread_exit(void *unused)
{
    (void)unused;
    pool_trim();
    is_registered = false;
}

static void make_key(void)
{
    pthread_key_create(&at_exit_key, at_thread_exit);
}

/* The first block a thread gives back makes it clean up at its end. */
static void register_thread(void)
{
    pthread_once(&key_once, make_key);
    pthread_setspecific(at_exit_key, &is_registered);
    is_registered = true;
}

void *pool_malloc(size_t size)
{
    uint32_t class = class_of(size);
    if (IS_WATCHED)
        return malloc(size ? size : 1);
    struct block *block;
    if (class == LARGE) {
        block = size <= SIZE_MAX - HEADER ? malloc(HEADER + size) : NULL;
        if (!block)
            return NULL;
        block->size = size;
    } else if ((block = lists[class].first) != NULL) {
        lists[class].first = block->next;
        lists[class].count--;
        return memory_of(block);
    } else {
        block = malloc(HEADER + size_of_class(class));
        if (!block)
            return NULL;
    }
    block->class = class;
    return memory_of(block);
}

void pool_free(void *memory)
{
    if (IS_WATCHED || !memory) {
        free(memory);
        return;
    }
    struct block *block = block_of(memory);
    uint32_t class = block->class;
    if (class == LARGE || lists[class].count * size_of_class(class) >= LIST_BYTES) {
        free(block);
        return;
    }
    if (!is_registered)
        register_thread();
    block->next = lists[class].first;
    lists[class].first = block;
    lists[class].count++;
}

void *pool_realloc(void *memory, size_t size)
{
    if (IS_WATCHED)
        return realloc(memory, size ? size : 1);
    if (!memory)
        return pool_malloc(size);
    struct block *block = block_of(memory);
    size_t room = block->class == LARGE ? block->size : size_of_class(block->class);
    if (size <= room && block->class != LARGE)
        return memory;
    if (block->class == LARGE && class_of(size) == LARGE) {
        struct block *moved =
            size <= SIZE_MAX - HEADER ? realloc(block, HEADER + size) : NULL;
        if (!moved)
            return NULL;
        moved->size = size;
        return memory_of(moved);
    }
    void *copy = pool_malloc(size);
    if (!copy)
        return NULL;
    memcpy(copy, memory, size < room ? size : room);
    pool_free(memory);
    return copy;
}

void *pool_calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *memory = pool_malloc(total);
    if (memory)
        memset(memory, 0, total);
    return memory;
}

char *pool_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = pool_malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void pool_trim(void)
{
    for (uint32_t class = 0; class < CLASSES; class ++) {
        struct block *block = lists[class].first;
        lists[class] = (struct list_of_class){.first = NULL};
        while (block) {
            struct block *next = block->next;
            free(block);
            block = next;
        }
    }
}
