/* SPDX-License-Identifier: Apache-2.0 */
/* Out of memory, decided once: whatever a client sizes goes through struct buffer or
 * memory_try_array, is capped first, and fails as a value. Small allocations of fixed
 * size do not fail (half-built objects are worse): when libc has nothing, a reserve that
 * is kept from the start is given up for them, and nothing new is admitted until it could
 * be taken again. Only when the reserve is used up as well the process ends, with a
 * message. */
#pragma once

#include "base/attributes.h"

#include <stdbool.h>
#include <stddef.h>

/* The reserve: some thousand objects of accepted batches. */
enum { MEMORY_RESERVE = 16 << 20 };

/* memory_keep_reserve takes the reserve unless it is there; false: there is no memory for
 * it, so start nothing new. Call it at the start and before a batch is accepted; an
 * atomic load while all is well. Any thread. */
bool memory_keep_reserve(void);

/* memory_new returns `size` zeroed bytes; aborts when also the reserve is used up.
 * free() releases. */
void *memory_new(size_t size) __attribute__((returns_nonnull, malloc));

/* memory_try_array returns count × size zeroed bytes, or NULL (also on overflow, also
 * for a count of 0). free() releases. */
void *memory_try_array(size_t count, size_t size) MUST_CHECK;

/* memory_copy_text duplicates a C string; as memory_new does. */
char *memory_copy_text(const char *text) __attribute__((returns_nonnull, malloc));

/* memory_tune tells libc's malloc what this process is like: replies of some hundred KB
 * come and go with every batch, so memory is not mapped and unmapped for each (0.4 µs an
 * item at 100 items a batch), and up to 32 MiB of free memory a thread are kept. Call it
 * once, before there are threads. */
void memory_tune(void);
