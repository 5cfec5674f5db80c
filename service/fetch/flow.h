/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that belong together, as the fetcher sees a batch: whose they are, and who
 * shares fairly with whom. Owned by whoever owns the calls, and valid while one of them
 * is started; its worker's thread only. */
#pragma once

#include "fetch/caller.h"

struct flow {
    struct caller *caller;
};
