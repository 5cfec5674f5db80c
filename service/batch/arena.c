/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator for what a batch is made of: default ids, header lists, bodies to
 * send. Small things share chunks, large ones get a chunk of their own. Nothing is given
 * back one by one. Called by the parser; batch_free releases. */
#include "batch/arena.h"

#include "batch/document_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 4096, ALIGNMENT = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    _Alignas(ALIGNMENT) char bytes[];
};

static char *add_chunk(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct arena_chunk))
        return NULL;
    size_t whole = sizeof(struct arena_chunk) + size;
    if (arena->memory && !document_memory_take(arena->memory, whole))
        return NULL;
    struct arena_chunk *chunk = malloc(whole);
    if (!chunk)
        return NULL;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk->bytes;
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->room) {
        if (size > CHUNK_SIZE / 4)
            return add_chunk(arena, size);
        char *bytes = add_chunk(arena, CHUNK_SIZE);
        if (!bytes)
            return NULL;
        arena->next = bytes;
        arena->room = CHUNK_SIZE;
    }
    char *taken = arena->next;
    arena->next += size;
    arena->room -= size;
    return taken;
}

struct slice arena_copy(struct arena *arena, struct slice text)
{
    char *copy = text.len < SIZE_MAX ? arena_take(arena, text.len + 1) : NULL;
    if (!copy)
        return slice_make(NULL, 0);
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return slice_make(copy, text.len);
}

void arena_done(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
    *arena = (struct arena){.memory = arena->memory};
}
