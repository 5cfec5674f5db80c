/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that belong together, as the fetcher sees a batch: whose they are, and who
 * shares fairly with whom. Owned by whoever owns the calls, and valid while one of them
 * is started; its worker's thread only. */
#pragma once

#include "fetch/caller.h"

#include <stdbool.h>

/* Zero everything but `caller`. */
struct flow {
    struct caller *caller;
    bool has_begun; /* one of its calls was dispatched */
};
