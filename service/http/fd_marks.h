/* SPDX-License-Identifier: Apache-2.0 */
/* One mark for each descriptor: what was known of a connection when it was accepted, for
 * those to whom the HTTP library shows only the descriptor. One thread's. A descriptor
 * that comes again is marked anew. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* All zero is empty. A byte for each descriptor up to the highest that was ever marked:
 * the process's limit of open files is its ceiling. */
struct fd_marks {
    bool *marks;
    size_t count;
};

void fd_marks_set(struct fd_marks *marks, int fd, bool is_marked);
bool fd_marks_has(const struct fd_marks *marks, int fd);
void fd_marks_done(struct fd_marks *marks);
