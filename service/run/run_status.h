/* SPDX-License-Identifier: Apache-2.0 */
/* What a run tells by its exit status, and what it says of failures that have a remedy.
 * Pure. */
#pragma once

#include "base/buffer.h"
#include "fetch/call_code.h"

#include <stdbool.h>
#include <stdint.h>

struct run_result {
    int signal;         /* that ended it; 0: none */
    int output_failure; /* errno of standard output; 0: none */
    int wrong_status;   /* why it could not run; 0: it could */
    bool is_complete;
    uint64_t ok;
};

int run_status_of(const struct run_result *result);

/* run_status_hints appends lines about what `codes` counts; `allows_private`: private
 * addresses are allowed already. */
void run_status_hints(struct buffer *out, const uint64_t codes[CALL_CODE_COUNT],
                      bool allows_private);
