/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h: what each kernel and platform makes of it. The children are vfork's: they
 * share the counters of a coverage build, which a sandboxed process could not write. */
#include "sandbox_fixture.h"

#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/syscall.h>

TestSuite(sandbox, .init = make_folders, .fini = remove_folders);

/* ------------------------------------------------------- kernels that cannot do it */

/* As a container engine's filter does it: the call fails with `failure`. */
static void take_away(const char *name, int failure)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int number = seccomp_syscall_resolve_name(name);
    if (!filter ||
        seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)failure), number, 0) ||
        seccomp_load(filter))
        _exit(NOT_ENTERED);
    seccomp_release(filter);
}

static void enter_without_landlock(int failure)
{
    struct sandbox_report report = {.landlock_abi = -1};
    take_away("landlock_create_ruleset", failure);
    if (!enter(&report, true))
        _exit(NOT_ENTERED);
    _exit(report.landlock_abi == 0 ? make_process() : NO_LANDLOCK);
}

static int end_without_landlock(int failure)
{
    pid_t child = vfork();
    if (child == 0)
        enter_without_landlock(failure);
    return end_of(child);
}

Test(sandbox, without_landlock_system_calls_are_filtered_all_the_same)
{
    cr_assert(eq(int, end_without_landlock(ENOSYS), EPERM));
    cr_assert(eq(int, end_without_landlock(EOPNOTSUPP), EPERM));
    cr_assert(eq(int, end_without_landlock(EPERM), EPERM));
}

static void enter_and_compare(int kernels_abi)
{
    struct sandbox_report report = {.landlock_abi = -1};
    if (!enter(&report, true))
        _exit(NOT_ENTERED);
    _exit(report.landlock_abi == kernels_abi ? 0 : NO_LANDLOCK);
}

Test(sandbox, all_that_the_kernel_has_of_landlock_is_in_force)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    pid_t child = vfork();
    if (child == 0)
        enter_and_compare(abi > 0 ? (int)abi : 0);
    cr_assert(eq(int, end_of(child), 0));
}

static void enter_without_seccomp(void)
{
    struct sandbox_setup setup = {.readable = {readable}, .readable_count = 1};
    struct sandbox_report report;
    struct error err = {0};
    take_away("seccomp", EPERM);
    bool is_in = sandbox_enter(&setup, &report, &err);
    _exit(!is_in && strstr(err.text, "process.sandbox: off") ? 0 : NOT_ENTERED);
}

Test(sandbox, without_seccomp_it_is_refused_with_the_option_named)
{
    pid_t child = vfork();
    if (child == 0)
        enter_without_seccomp();
    cr_assert(eq(int, end_of(child), 0));
}
