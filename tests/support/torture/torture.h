/* SPDX-License-Identifier: Apache-2.0 */
/* What the preloaded library and tests/long/torture.py share: a file mapped by both,
 * named by $TORTURE_CONTROL. The driver writes the first part and reads the second; the
 * layout is spelled a second time in torture.py. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum {
    TORTURE_FRAMES = 20,
    TORTURE_SLOTS = 1 << 16,
    TORTURE_PROBES = 64, /* a block is looked for in so many slots */
};

enum torture_family { TORTURE_OFF, TORTURE_MEMORY, TORTURE_CALLS };

struct torture_block {
    uint64_t size;
    uint64_t generation; /* the driver's, when it was allocated */
    uint64_t frames[TORTURE_FRAMES];
};

struct torture_control {
    /* The driver's. */
    _Atomic uint32_t family; /* enum torture_family: what counts and fails */
    uint32_t is_interrupted; /* fail with EINTR where a call may, instead of an error */
    uint64_t fail_at;        /* the N-th, from 1; 0: none, only count */
    uint64_t generation;     /* blocks allocated while it is not 0 are remembered */

    /* The library's. */
    _Atomic uint64_t count;                 /* since the driver set it to 0 */
    _Atomic uint64_t failed;                /* how many were made to fail */
    char name[32];                          /* of the function that failed last */
    uint64_t frames[TORTURE_FRAMES];        /* from where it was called */
    _Atomic uint64_t forgotten;             /* blocks for which there was no slot */
    _Atomic uint64_t blocks[TORTURE_SLOTS]; /* addresses; 0: never used, 1: free again */
    struct torture_block details[TORTURE_SLOTS];
};

/* torture_must_fail counts a call of `family` in the calling thread and says whether this
 * one is to fail; it then remembers `name` and the way there. */
_Bool torture_must_fail(enum torture_family family, const char *name);
