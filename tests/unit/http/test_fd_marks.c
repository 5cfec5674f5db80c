/* SPDX-License-Identifier: Apache-2.0 */
/* A mark for a descriptor, kept until it is marked anew. */
#include "http/fd_marks.h"

#include <criterion/criterion.h>

Test(fd_marks, nothing_is_marked_at_first)
{
    struct fd_marks marks = {.count = 0};
    cr_expect_not(fd_marks_has(&marks, 0));
    cr_expect_not(fd_marks_has(&marks, 100000));
}

Test(fd_marks, each_descriptor_has_its_own)
{
    struct fd_marks marks = {.count = 0};
    fd_marks_set(&marks, 7, true);
    fd_marks_set(&marks, 5000, true); /* grows */
    cr_expect(fd_marks_has(&marks, 7) && fd_marks_has(&marks, 5000));
    cr_expect_not(fd_marks_has(&marks, 8) || fd_marks_has(&marks, 4999));
    fd_marks_done(&marks);
    cr_expect_not(fd_marks_has(&marks, 7));
}

Test(fd_marks, a_descriptor_that_comes_again_forgets_its_mark)
{
    struct fd_marks marks = {.count = 0};
    fd_marks_set(&marks, 7, true);
    fd_marks_set(&marks, 7, false);
    cr_expect_not(fd_marks_has(&marks, 7));
    fd_marks_done(&marks);
}

Test(fd_marks, what_is_not_marked_takes_no_room)
{
    struct fd_marks marks = {.count = 0};
    fd_marks_set(&marks, 100000, false);
    cr_expect_eq(marks.count, 0);
}
