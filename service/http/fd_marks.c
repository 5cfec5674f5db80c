/* SPDX-License-Identifier: Apache-2.0 */
/* The marks as an array by descriptor, grown by doubling. Used by front.c. */
#include "http/fd_marks.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_COUNT = 256 };

static void grow(struct fd_marks *marks, size_t needed)
{
    size_t count = marks->count ? marks->count : FIRST_COUNT;
    while (count < needed)
        count *= 2;
    bool *grown = memory_new(count * sizeof *grown); /* zeroed */
    if (marks->count)
        memcpy(grown, marks->marks, marks->count * sizeof *grown);
    free(marks->marks);
    marks->marks = grown;
    marks->count = count;
}

void fd_marks_set(struct fd_marks *marks, int fd, bool is_marked)
{
    size_t place = (size_t)fd;
    if (place >= marks->count) {
        if (!is_marked)
            return; /* what was never marked needs no room */
        grow(marks, place + 1);
    }
    marks->marks[place] = is_marked;
}

bool fd_marks_has(const struct fd_marks *marks, int fd)
{
    return (size_t)fd < marks->count && marks->marks[fd];
}

void fd_marks_done(struct fd_marks *marks)
{
    free(marks->marks);
    *marks = (struct fd_marks){.count = 0};
}
