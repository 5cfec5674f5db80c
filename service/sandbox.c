/* SPDX-License-Identifier: Apache-2.0 */
/* The order of it: new privileges first (the kernel asks for that), then files, whose
 * rules need system calls that the filter takes away. */
#include "sandbox.h"

#include "sandbox_calls.h"
#include "sandbox_files.h"

#include <errno.h>
#include <sys/prctl.h>

bool sandbox_enter(const struct sandbox_setup *setup, struct sandbox_report *ret_report,
                   struct error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "cannot give up new privileges");
    return sandbox_files_restrict(setup, &ret_report->landlock_abi, err) &&
           sandbox_calls_restrict(setup->removable_count > 0, err);
}
