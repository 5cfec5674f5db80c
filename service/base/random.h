/* SPDX-License-Identifier: Apache-2.0 */
/* The only source of randomness: getrandom(2). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* random_fill fills `bytes`; aborts if the kernel has no randomness to give. */
void random_fill(void *bytes, size_t len);
enum { RANDOM_HEX_MAX = 64 };
/* random_hex writes 2 × `bytes` hex digits and a NUL into `text`; at most RANDOM_HEX_MAX
 * bytes. */
void random_hex(char *text, size_t bytes);
uint64_t random_u64(void);
