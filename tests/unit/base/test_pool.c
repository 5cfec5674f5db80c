/* SPDX-License-Identifier: Apache-2.0 */
/* base/pool.h: every size, moved and kept, on one thread and across two. */
#include "base/pool.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 5000 };

Test(pool, every_size_holds_its_bytes_and_is_aligned)
{
    static unsigned char *blocks[LARGEST + 1];
    for (int round = 0; round < 3; round++) { /* the later rounds live off the lists */
        for (size_t size = 0; size <= LARGEST; size++) {
            blocks[size] = pool_malloc(size);
            cr_assert(ne(ptr, blocks[size], NULL));
            cr_assert(eq(sz, (uintptr_t)blocks[size] % 16, 0));
            memset(blocks[size], (int)(size + (size_t)round) & 255, size);
        }
        for (size_t size = 0; size <= LARGEST; size++) {
            for (size_t i = 0; i < size; i++)
                cr_assert(blocks[size][i] == ((size + (size_t)round) & 255), "size %zu",
                          size);
            pool_free(blocks[size]);
        }
    }
    pool_trim();
}

Test(pool, the_buffers_of_a_tls_record_hold_their_bytes)
{
    for (int round = 0; round < 3; round++) {
        unsigned char *blocks[100];
        for (size_t i = 0; i < 100; i++) {
            size_t size = 16380 + 11 * i;
            blocks[i] = pool_malloc(size);
            memset(blocks[i], (int)i, size);
        }
        for (size_t i = 0; i < 100; i++) {
            for (size_t at = 0; at < 16380 + 11 * i; at++)
                cr_assert(blocks[i][at] == i);
            pool_free(blocks[i]);
        }
    }
    pool_trim();
}

Test(pool, realloc_keeps_the_bytes_whichever_way_it_goes)
{
    srand(5);
    for (int round = 0; round < 2000; round++) {
        size_t size = (size_t)rand() % 20000, next = (size_t)rand() % 20000;
        unsigned char *block = pool_realloc(NULL, size);
        for (size_t i = 0; i < size; i++)
            block[i] = (unsigned char)(i * 7);
        block = pool_realloc(block, next);
        for (size_t i = 0; i < size && i < next; i++)
            cr_assert(block[i] == (unsigned char)(i * 7), "%zu to %zu", size, next);
        memset(block, 1, next);
        pool_free(block);
    }
    pool_trim();
}

Test(pool, calloc_is_zeroed_also_when_reused_and_refuses_overflow)
{
    unsigned char *dirty = pool_malloc(100);
    memset(dirty, 255, 100);
    pool_free(dirty);
    unsigned char *clean = pool_calloc(10, 10);
    for (int i = 0; i < 100; i++)
        cr_assert(clean[i] == 0);
    pool_free(clean);
    cr_assert(eq(ptr, pool_calloc((size_t)-1, 2), NULL));
    pool_free(NULL);
    pool_trim();
}

Test(pool, strdup_copies)
{
    char *copy = pool_strdup("text");
    cr_assert(eq(str, copy, "text"));
    pool_free(copy);
    pool_trim();
}

static void *free_all(void *blocks)
{
    for (void **block = blocks; *block; block++)
        pool_free(*block);
    return pool_malloc(64);
}

Test(pool, blocks_may_be_freed_on_another_thread)
{
    static void *blocks[1001];
    for (int i = 0; i < 1000; i++)
        blocks[i] = pool_malloc((size_t)i);
    pthread_t thread;
    void *from_there;
    cr_assert(eq(int, pthread_create(&thread, NULL, free_all, blocks), 0));
    pthread_join(thread, &from_there);
    memset(from_there, 1, 64);
    pool_free(from_there);
    pool_trim();
}
