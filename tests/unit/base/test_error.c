/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.h */
#include "base/error.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>

Test(error, set_returns_false_and_keeps_the_sentence)
{
    struct error err = {0};
    cr_assert(not(error_set(&err, ERROR_INVALID, "%s: not a port", "x")));
    cr_assert(eq(int, err.kind, ERROR_INVALID));
    cr_assert(eq(str, err.text, "x: not a port"));
}

Test(error, nobody_needs_to_care)
{
    cr_assert(not(error_set(NULL, ERROR_LIMIT, "full")));
    cr_assert(not(error_set_errno(NULL, ENOENT, "gone")));
}

Test(error, errno_is_put_into_words)
{
    struct error err = {0};
    error_set_errno(&err, ENOENT, "/nowhere");
    cr_assert(eq(str, err.text, "/nowhere: No such file or directory"));
    cr_assert(eq(int, err.kind, ERROR_SYSTEM));
}

Test(error, a_prefix_goes_in_front_and_everything_is_cut_not_overrun)
{
    struct error err = {0};
    error_set(&err, ERROR_INVALID, "wrong");
    error_prefix(&err, "file:%d", 3);
    cr_assert(eq(str, err.text, "file:3: wrong"));
    char longer[1000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    error_set(&err, ERROR_INVALID, "%s", longer);
    error_prefix(&err, "%s", longer);
    cr_assert(eq(sz, strlen(err.text), sizeof err.text - 1));
}
