/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_files.h: reading, writing, removing. */
#include "sandbox_fixture.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>

TestSuite(sandbox_files, .init = make_folders, .fini = remove_folders);

/* --------------------------------------------------------------------------- files */

static int read_named(void)
{
    return outcome(open(in(readable), O_RDONLY) >= 0);
}

Test(sandbox_files, what_was_named_is_read)
{
    cr_assert(eq(int, try_inside(read_named), 0));
}

static int read_other(void)
{
    return outcome(open(in(outside), O_RDONLY) >= 0);
}

static int read_passwords(void)
{
    return outcome(open("/etc/shadow", O_RDONLY) >= 0);
}

static int list_root(void)
{
    return outcome(open("/", O_RDONLY | O_DIRECTORY) >= 0);
}

Test(sandbox_files, nothing_else_is_read_not_even_by_root)
{
    cr_assert(eq(int, try_file(read_other), EACCES));
    cr_assert(eq(int, try_file(read_passwords), EACCES));
    cr_assert(eq(int, try_file(list_root), EACCES));
}

static int open_flags;

static int open_for_writing(void)
{
    return outcome(open(in(readable), open_flags, 0600) >= 0);
}

static int open_by_openat2(void)
{
    uint64_t how[3] = {O_WRONLY};
    return outcome(syscall(SYS_openat2, AT_FDCWD, in(readable), how, sizeof how) >= 0);
}

Test(sandbox_files, nothing_is_opened_for_writing)
{
    static const int flags[] = {O_WRONLY,
                                O_RDWR,
                                O_WRONLY | O_APPEND,
                                O_RDONLY | O_TRUNC,
                                O_RDONLY | O_CREAT,
                                O_RDWR | O_TMPFILE};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        open_flags = flags[i];
        cr_assert(eq(int, try_inside(open_for_writing), EPERM));
    }
    cr_assert(eq(int, try_inside(open_by_openat2), ENOSYS));
}

static int remove_allowed(void)
{
    return outcome(unlink(in(removable)) == 0);
}

static int remove_readable(void)
{
    return outcome(unlink(in(readable)) == 0);
}

static int rename_it(void)
{
    return outcome(rename(in(removable), "/tmp/gatherd-sandbox-renamed") == 0);
}

static int make_folder_inside(void)
{
    return outcome(mkdir("/tmp/gatherd-sandbox-made", 0700) == 0);
}

static int open_up(void)
{
    return outcome(chmod(in(readable), 0777) == 0);
}

Test(sandbox_files, files_are_removed_from_the_folders_named_for_it_only)
{
    cr_assert(eq(int, try_file(remove_readable), EACCES));
    cr_assert(eq(int, try_file(remove_allowed), 0));
}

Test(sandbox_files, nothing_is_removed_renamed_made_or_opened_up_otherwise)
{
    cr_assert(eq(int, try_inside(remove_allowed), EPERM));
    cr_assert(eq(int, try_inside(rename_it), EPERM));
    cr_assert(eq(int, try_inside(make_folder_inside), EPERM));
    cr_assert(eq(int, try_inside(open_up), EPERM));
}
