/* SPDX-License-Identifier: Apache-2.0 */
/* libc's allocators with one call that fails, in the test program that links this. Not
 * under AddressSanitizer, which has allocators of its own: there nothing fails, and tests
 * see the way without a failure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool failing_memory_is_here(void);

/* failing_memory_arm: the `number`-th allocation from now on (from 1) fails, once. */
void failing_memory_arm(size_t number);
/* failing_memory_disarm ends it and says whether there was such an allocation. */
bool failing_memory_disarm(void);
