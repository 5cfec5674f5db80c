/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what malloc really gave, so that freeing needs no header of our own. Blocks
 * freed after the parse are not seen: the document's memory is given back as a whole,
 * when it is released. Called by parse.c and
 * parse_text.c. */
#include "batch/document_memory.h"

#include <jansson.h>

#include <malloc.h>
#include <stdlib.h>

/* An atomic operation on a shared counter for each small block would cost more than the
 * block; most documents fit one step. */
enum { CHARGE_STEP = 64 * 1024, SHARE_OF_BUDGET = 4 };

static _Thread_local struct document_memory *current;

static void *take_block(size_t size)
{
    void *block = malloc(size);
    if (!block && current)
        current->state = DOCUMENT_NO_ROOM;
    if (!block || !current)
        return block;
    if (document_memory_take(current, malloc_usable_size(block)))
        return block;
    free(block);
    return NULL;
}

static void give_block(void *block)
{
    if (block && current) {
        uint64_t size = malloc_usable_size(block);
        current->used -= size < current->used ? size : current->used;
    }
    free(block);
}

void document_memory_hook(void)
{
    json_set_alloc_funcs(take_block, give_block);
}

void document_memory_init(struct document_memory *memory, struct budget *budget)
{
    *memory = (struct document_memory){
        .budget = budget,
        .max = budget ? budget_max(budget) / SHARE_OF_BUDGET : UINT64_MAX,
    };
}

void document_memory_begin(struct document_memory *memory)
{
    current = memory;
}

void document_memory_end(void)
{
    current = NULL;
}

bool document_memory_take(struct document_memory *memory, uint64_t size)
{
    if (!memory->budget)
        return true;
    if (size > memory->max || memory->used > memory->max - size) {
        memory->state = DOCUMENT_TOO_LARGE;
        return false;
    }
    uint64_t used = memory->used + size;
    if (used > memory->charged) {
        uint64_t steps = (used - memory->charged + CHARGE_STEP - 1) / CHARGE_STEP;
        if (!budget_take(memory->budget, steps * CHARGE_STEP)) {
            memory->state = DOCUMENT_NO_ROOM;
            return false;
        }
        memory->charged += steps * CHARGE_STEP;
    }
    memory->used = used;
    return true;
}

void document_memory_done(struct document_memory *memory)
{
    if (memory->charged > 0)
        budget_give(memory->budget, memory->charged);
    memory->used = 0;
    memory->charged = 0;
}
