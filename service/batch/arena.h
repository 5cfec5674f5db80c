/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that lives as long as its batch: taken in pieces, released as a whole. */
#pragma once

#include "base/attributes.h"
#include "base/slice.h"

#include <stddef.h>

struct arena_chunk;
struct document_memory;

/* Zeroed before first use, but for `memory`. */
struct arena {
    struct document_memory *memory; /* what it is charged to; NULL: nothing is */
    struct arena_chunk *chunks;
    char *next; /* free room of the newest small chunk */
    size_t room;
};

/* arena_take returns `size` bytes aligned for any object, not zeroed, or NULL when there
 * is no memory, which `memory` may explain. */
void *arena_take(struct arena *arena, size_t size) MUST_CHECK;

/* arena_copy copies `text` with a NUL behind it (not counted in the slice's len); data is
 * NULL when there is no memory. */
struct slice arena_copy(struct arena *arena, struct slice text) MUST_CHECK;

/* arena_done releases everything ever taken; the charge is given back with the
 * document's (document_memory_done). */
void arena_done(struct arena *arena);
