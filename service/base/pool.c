/* SPDX-License-Identifier: Apache-2.0 */
/* Size classes of four steps a doubling, from 16 bytes to 4 KiB, and one for the buffers
 * of a TLS record; other blocks are malloc's. In front of each block stand 16 bytes that
 * hold its class. Installed by fetch_global.c. */
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
    RECORD = 33, /* behind 16, 20, 24, 28, 32, 40 … 4096, rounded up to 16 */
    CLASSES = RECORD + 1,
    LARGE = CLASSES,      /* not pooled */
    RECORD_LEAST = 16384, /* RFC 8446 5.1: a record's payload, less than its buffer */
    RECORD_MOST = 16384 + 1024,
    LIST_BYTES = 1 << 20, /* the most a list keeps */
};

struct block {
    uint32_t class;
    uint32_t unused;
    size_t size;        /* what it holds */
    struct block *next; /* valid while free; overlaps the user's first bytes */
};

/* room: how many more it may keep; 0 for LARGE blocks, and in a thread that has not freed
 * any yet: so freeing looks at nothing else. */
struct list_of_class {
    struct block *first;
    size_t room;
};

/* Reached without a call: this is part of a program, never of a library loaded later. */
static _Thread_local
    __attribute__((tls_model("initial-exec"))) struct list_of_class lists[CLASSES + 1];
static _Thread_local bool is_registered;
static pthread_key_t at_exit_key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static size_t size_of_class(uint32_t class)
{
    if (class == RECORD)
        return RECORD_MOST;
    return (size_t)(4 + class % 4) << (2 + class / 4);
}

/* The smallest class that holds `size` (at least 1). */
static uint32_t class_of(size_t size)
{
    if (size <= 16)
        return 0;
    if (size > 4096)
        return size > RECORD_LEAST && size <= RECORD_MOST ? RECORD : LARGE;
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
    for (uint32_t class = 0; class < CLASSES; class ++)
        lists[class].room = 0; /* what others free after this comes here again */
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
    for (uint32_t class = 0; class < CLASSES; class ++)
        lists[class].room = LIST_BYTES / size_of_class(class);
}

static __attribute__((noinline)) void *new_block(size_t size, uint32_t class)
{
    size_t whole = class == LARGE ? size : size_of_class(class);
    struct block *block = whole <= SIZE_MAX - HEADER ? malloc(HEADER + whole) : NULL;
    if (!block)
        return NULL;
    block->class = class;
    block->size = whole;
    return memory_of(block);
}

void *pool_malloc(size_t size)
{
    if (IS_WATCHED)
        return malloc(size ? size : 1);
    uint32_t class = class_of(size);
    struct list_of_class *list = &lists[class];
    struct block *block = list->first;
    if (!block)
        return new_block(size, class);
    list->first = block->next;
    list->room++;
    return memory_of(block);
}

static void keep(struct block *block)
{
    struct list_of_class *list = &lists[block->class];
    block->next = list->first;
    list->first = block;
    list->room--;
}

/* Out of the way of the usual case. */
static __attribute__((noinline)) void free_without_room(struct block *block)
{
    bool is_first = !is_registered;
    if (is_first)
        register_thread();
    if (is_first && block->class != LARGE)
        keep(block);
    else
        free(block);
}

void pool_free(void *memory)
{
    if (!memory) /* most are, of what libcurl frees for an item */
        return;
    if (IS_WATCHED) {
        free(memory);
        return;
    }
    struct block *block = block_of(memory);
    if (lists[block->class].room > 0)
        keep(block);
    else
        free_without_room(block);
}

void *pool_realloc(void *memory, size_t size)
{
    if (IS_WATCHED)
        return realloc(memory, size ? size : 1);
    if (!memory)
        return pool_malloc(size);
    struct block *block = block_of(memory);
    if (size <= block->size && block->class != LARGE)
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
    memcpy(copy, memory, size < block->size ? size : block->size);
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
        lists[class].first = NULL;
        while (block) {
            struct block *next = block->next;
            lists[class].room++;
            free(block);
            block = next;
        }
    }
}
