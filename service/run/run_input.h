/* SPDX-License-Identifier: Apache-2.0 */
/* Where a run reads from: a file, a pipe, a terminal. Read only when asked, and never
 * waits: a pipe without anything in it is watched until there is. */
#pragma once

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct run_input {
    struct loop *loop;
    struct watch watch;
    int fd;
    bool is_own;    /* to be closed */
    bool is_ready;  /* a read will not wait */
    bool is_polled; /* the loop says when it is */
    bool is_ended;  /* to the end, or failed */
    int failure;    /* errno, or 0 */
    uint64_t size;  /* of a file; 0: not known */
    uint64_t read;  /* bytes so far */
};

/* run_input_open: `name` is a file; "-" standard input. Does not wait for the writer of a
 * named pipe. */
bool run_input_open(struct run_input *input, struct loop *loop, const char *name,
                    struct error *err) MUST_CHECK;
void run_input_close(struct run_input *input);

/* run_input_read appends what can be had now, a chunk at most, to `to`; false: nothing
 * now. The end shows in input->is_ended. */
bool run_input_read(struct run_input *input, struct buffer *to);
