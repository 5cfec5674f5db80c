/* SPDX-License-Identifier: Apache-2.0 */
/* What the memory of one parsed document is charged to: a budget of the process and a
 * ceiling of its own. A JSON tree may take eighty times the bytes of its text (measured:
 * "[{},{},…]"), so a body under its limit says nothing about what it grows to; with this
 * the parse fails as a value instead. jansson takes its memory from global functions, so
 * the document being parsed is remembered per thread. */
#pragma once

#include "base/attributes.h"
#include "fetch/budget.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct document_memory {
    struct budget *budget; /* NULL: nothing is charged */
    uint64_t max;          /* of this document */
    uint64_t used;         /* bytes its blocks take */
    uint64_t charged;      /* to the budget, in steps; never less than `used` */
    enum {
        DOCUMENT_FITS,
        DOCUMENT_TOO_LARGE, /* over `max`: it would never fit */
        DOCUMENT_NO_ROOM,   /* the budget is full just now */
    } state;
};

/* document_memory_hook gives jansson the functions that charge; once, before there are
 * threads. */
void document_memory_hook(void);

/* document_memory_init: a document may take a quarter of `budget` (NULL: anything). */
void document_memory_init(struct document_memory *memory, struct budget *budget);
/* Between document_memory_begin and document_memory_end what jansson takes on this thread
 * is charged to `memory`. They do not nest. */
void document_memory_begin(struct document_memory *memory);
void document_memory_end(void);
/* document_memory_take charges `size` bytes that come from elsewhere; false: it would be
 * too much, which `state` explains. */
bool document_memory_take(struct document_memory *memory, uint64_t size) MUST_CHECK;
/* document_memory_done gives everything back to the budget; any thread. */
void document_memory_done(struct document_memory *memory);
