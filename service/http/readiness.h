/* SPDX-License-Identifier: Apache-2.0 */
/* Whether new batches are wanted here, for balancers and for people. Any moment of the
 * turn. */
#pragma once

#include "http/front.h"

enum readiness {
    READINESS_READY,
    READINESS_DRAINING,
    READINESS_STARTING,
    READINESS_OVERLOADED, /* a budget is nearly full, or work waits too long in the loop
                             that happens to be asked */
};

enum readiness readiness_of(const struct front_setup *setup);

/* readiness_name: "ready", "draining", "starting", "overloaded". */
const char *readiness_name(enum readiness readiness);
