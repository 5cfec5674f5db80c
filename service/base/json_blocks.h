/* SPDX-License-Identifier: Apache-2.0 */
/* Reads over JSON 64 bytes at a time, with AVX2, PCLMUL and BMI: half the time of
 * json_scan_steps for bodies of a kilobyte and more, which takes the same texts (see
 * json_scan.h for what is said of `end` and of results). For json_text_skip. Pure; any
 * thread. */
#pragma once

#include <stdbool.h>

/* json_blocks_can: this processor has what it takes; always false but on x86-64. A few
 * instructions. */
bool json_blocks_can(void);

/* json_blocks_skip reads the object or array that begins with the bracket at `text`,
 * which must lie before `end`; what follows the value is not looked at. Only where
 * json_blocks_can; on another processor than x86-64 it is json_scan_steps. Pays from
 * about 64 bytes on: a shorter text is copied into a block. */
const char *json_blocks_skip(const char *text, const char *end);
