/* SPDX-License-Identifier: Apache-2.0 */
/* The order of it: new privileges first (the kernel asks for that), then files, whose
 * rules need system calls that the filter takes away. */
#include "sandbox.h"

#include "sandbox_calls.h"
#include "sandbox_files.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>

/* How many threads there are beside this one; a /proc/PID/task folder tells by its links.
 * 0 where there is no /proc. */
static unsigned count_other_threads(void)
{
    struct stat status;
    if (stat("/proc/self/task", &status) != 0 || status.st_nlink < 3)
        return 0;
    return (unsigned)status.st_nlink - 3;
}

bool sandbox_enter(const struct sandbox_setup *setup, struct sandbox_report *ret_report,
                   struct error *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "cannot give up new privileges");
    ret_report->free_threads = count_other_threads();
    return sandbox_files_restrict(setup, &ret_report->landlock_abi, err) &&
           sandbox_calls_restrict(setup->removable_count > 0, err);
}
