/* SPDX-License-Identifier: Apache-2.0 */
/* Out of memory, decided once: small allocations of fixed size abort the process with a
 * message (nothing sensible can be done, and half-built objects are worse); whatever a
 * client sizes goes through struct buffer or memory_try_array, is capped first, and fails
 * as a value. */
#pragma once

#include "base/attributes.h"

#include <stddef.h>

/* memory_new returns `size` zeroed bytes; aborts when there are none. free() releases. */
void *memory_new(size_t size) __attribute__((returns_nonnull, malloc));

/* memory_try_array returns count × size zeroed bytes, or NULL (also on overflow, also
 * for a count of 0). free() releases. */
void *memory_try_array(size_t count, size_t size) MUST_CHECK;

/* memory_copy_text duplicates a C string; aborts when there is no memory. */
char *memory_copy_text(const char *text) __attribute__((returns_nonnull, malloc));

/* memory_tune tells libc's malloc what this process is like: replies of some hundred KB
 * come and go with every batch, so memory is not mapped and unmapped for each (0.4 µs an
 * item at 100 items a batch), and up to 32 MiB of free memory a thread are kept. Call it
 * once, before there are threads. */
void memory_tune(void);
