/* SPDX-License-Identifier: Apache-2.0 */
/* An outcome that outlives the reply it was made from: the outcome and all it points to,
 * in one piece of memory. Pure. */
#pragma once

#include "base/attributes.h"
#include "fetch/call.h"

#include <stddef.h>

struct call_result {
    struct outcome outcome;
    size_t size; /* bytes of this memory */
};

/* call_result_new copies `outcome`, of one attempt (no records of attempts); NULL: there
 * is no memory. free() releases. */
struct call_result *call_result_new(const struct outcome *outcome) MUST_CHECK;
